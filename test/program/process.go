package program

import (
	"bytes"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// StopTime is the longest that a program may take to end after SIGTERM.
const StopTime = 30 * time.Second

// Process is a program that goes on.
type Process struct {
	t     testing.TB
	what  string
	Cmd   *exec.Cmd
	Out   *Buffer       // standard output
	Log   *Buffer       // standard error
	Ended chan struct{} // closed when it has ended
}

// Start starts a program. If it still runs when the test is over it is killed; after a failure what it wrote is shown.
// Outputs that are set already stay.
func Start(t testing.TB, what string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, what: what, Cmd: cmd, Out: &Buffer{}, Log: &Buffer{}, Ended: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.Out
	}
	cmd.Stderr = p.Log
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s (.ci/prepare installs what is needed): %v", what, err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(p.Ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails when it has ended
		<-p.Ended
		if t.Failed() {
			text := p.Log.String() + p.Out.String()
			t.Logf("%s wrote at last:\n%s", what, text[max(0, len(text)-20000):])
		}
	})
	return p
}

// Running reports whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.Ended:
		return false
	default:
		return true
	}
}

// Soon waits until something holds, and fails the test when it does not in time or the program has ended.
func (p *Process) Soon(within time.Duration, what string, holds func() bool) {
	p.t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(10 * time.Millisecond) {
		if !p.Running() {
			p.t.Fatalf("%s not %s: it ended with %d:\n%s%s", p.what, what, p.Cmd.ProcessState.ExitCode(), p.Log, p.Out)
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s not %s within %s:\n%s%s", p.what, what, within, p.Log, p.Out)
		}
	}
}

// Kill ends the program as a power cut does.
func (p *Process) Kill() {
	p.t.Helper()
	if err := p.Cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.Ended
}

// Terminate asks the program to end, as an operator does.
func (p *Process) Terminate() {
	p.t.Helper()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// Ends waits for the end, and returns the exit code.
func (p *Process) Ends(within time.Duration) int {
	p.t.Helper()
	select {
	case <-p.Ended:
	case <-time.After(within):
		p.t.Fatalf("%s still runs %s later:\n%s", p.what, within, p.Log)
	}
	return p.Cmd.ProcessState.ExitCode()
}

// Buffer is written by a program while the test reads.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to what is there.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is all that was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
