//go:build clients

package clients_test

import (
	"bytes"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program that serves.
type process struct {
	t      *testing.T
	what   string
	cmd    *exec.Cmd
	log    buffer // what it wrote, on either output
	ended  chan struct{}
	once   sync.Once
	simple bool // it does nothing of its own about SIGTERM, and so ends by it
}

// start starts a program and waits until it answers, as long as most need.
func start(t *testing.T, what string, cmd *exec.Cmd, env []string, answers func() error) *process {
	t.Helper()
	return startWithin(t, 20*time.Second, what, cmd, env, answers)
}

func startWithin(t *testing.T, long time.Duration, what string, cmd *exec.Cmd, env []string, answers func() error) *process {
	t.Helper()
	p := &process{t: t, what: what, cmd: cmd, ended: make(chan struct{})}
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &p.log, &p.log
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s (.ci/prepare installs what is needed): %v", what, err)
	}
	go func() {
		_ = cmd.Wait() // seen in ProcessState
		close(p.ended)
	}()
	t.Cleanup(p.stop)
	for end := time.Now().Add(long); ; time.Sleep(50 * time.Millisecond) {
		err := answers()
		if err == nil {
			return p
		}
		select {
		case <-p.ended:
			t.Fatalf("%s ended:\n%s", what, p.log.String())
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer: %v\n%s", what, err, p.log.String())
		}
	}
}

// asked is with what Java ends when it was asked to and could finish: 128 and the number of SIGTERM.
const asked = 128 + int(syscall.SIGTERM)

// stop ends the program as an operator does. It must end by itself.
func (p *process) stop() {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it ended, which is seen below
		select {
		case <-p.ended:
			status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
			if code := p.cmd.ProcessState.ExitCode(); code != 0 && code != asked && !(p.simple && status.Signal() == syscall.SIGTERM) {
				p.t.Errorf("%s: %v\n%s", p.what, p.cmd.ProcessState, p.log.String())
			}
		case <-time.After(30 * time.Second):
			_ = p.cmd.Process.Kill() // it hangs; told below
			p.t.Errorf("%s does not stop", p.what)
		}
	})
}

// buffer is written by a program while the test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
