package op

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

// Keys are read once as long as their text stays, and are those of that text and no other.
func TestRegisteredKeysAreReadOnce(t *testing.T) {
	var k parsedKeys
	first, err := k.of(fuzzKeys)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := k.of(strings.Clone(fuzzKeys)); err != nil || again != first {
		t.Errorf("read again: %v", err)
	}
	other, err := k.of(strings.Replace(fuzzKeys, `"kid":"p"`, `"kid":"other"`, 1))
	if err != nil || other == first || other.Keys[0].KeyID != "other" {
		t.Errorf("another text: %+v, %v", other, err)
	}
	for range 2 {
		if set, err := k.of(`{"keys":[]}`); set != nil || !errors.Is(err, fault.Invalid) {
			t.Errorf("no keys: %v, %v", set, err)
		}
	}
}

func TestRegisteredKeysAreForgottenBeforeThereAreTooMany(t *testing.T) {
	var k parsedKeys
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 60 { // 30 KiB each: 7 MiB
				if _, err := k.of(fuzzKeys + strings.Repeat(" ", 30<<10+worker*60+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	held := 0
	for text := range k.sets {
		held += len(text)
	}
	if held != k.size || held > mostParsed || held == 0 {
		t.Errorf("%d bytes are held and %d counted, of at most %d", held, k.size, mostParsed)
	}
}
