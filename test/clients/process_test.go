//go:build clients

package clients_test

import (
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minddistrict/idp/test/program"
)

// process is a program that serves.
type process struct {
	*program.Process
	t      *testing.T
	what   string
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
	cmd.Env = env
	p := &process{Process: program.Start(t, what, cmd), t: t, what: what}
	t.Cleanup(p.stop)
	p.Soon(long, "answering", func() bool { return answers() == nil })
	return p
}

// asked is with what Java ends when it was asked to and could finish: 128 and the number of SIGTERM.
const asked = 128 + int(syscall.SIGTERM)

// stop ends the program as an operator does. It must end by itself.
func (p *process) stop() {
	p.once.Do(func() {
		_ = p.Cmd.Process.Signal(syscall.SIGTERM) // fails when it ended, which is seen below
		code := p.Ends(program.StopTime)
		status, _ := p.Cmd.ProcessState.Sys().(syscall.WaitStatus)
		if code != 0 && code != asked && !(p.simple && status.Signal() == syscall.SIGTERM) {
			p.t.Errorf("%s: %v", p.what, p.Cmd.ProcessState)
		}
	})
}
