package password

import (
	"syscall"
	"testing"
)

func TestHashesGiveWay(t *testing.T) {
	niceness := func() int {
		raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Gettid())
		if err != nil {
			t.Fatal(err)
		}
		return 20 - raw
	}
	before, during := niceness(), 0
	onOwnThread(func() { during = niceness() })
	if want := min(before+politeness, 19); during != want {
		t.Errorf("a hash runs at nice %d, others at %d, want %d", during, before, want)
	}
	for range 100 { // whatever threads these run on
		done := make(chan int)
		go func() { done <- niceness() }()
		if got := <-done; got != before {
			t.Fatalf("what is no hash runs at nice %d, want %d", got, before)
		}
	}
}

func TestMishapInAHashIsTheCallers(t *testing.T) {
	defer func() {
		if recover() != "mishap" {
			t.Error("the caller does not hear of it")
		}
	}()
	onOwnThread(func() { panic("mishap") })
}
