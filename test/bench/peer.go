package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// peersDir is where the peers that we know have their folders; each has a description in peer.json.
const peersDir = "testdata/peers"

// launch says how a provider is started. Both lines are for bash, in the folder of the description.
type launch struct {
	Prepare string `json:"prepare"` // builds and installs what is missing
	// Start becomes the provider, with $PORT to listen on at 127.0.0.1; with Stores also $DATABASE, as host:port/name, and
	// $DATABASE_PASSWORD of its account postgres. In the issuer, {port} is that port. Empty: it runs already.
	Start  string `json:"start"`
	Silent bool   `json:"silent"`         // it writes something with each request, which is thrown away, as with ours
	Stores bool   `json:"stores"`         // it gets a database of its own on the PostgreSQL of ours
	WarmUp int    `json:"warm_up_rounds"` // unmeasured rounds before the first: it compiles what it often does

	group int // its processes, once it is started; 0: not by us
}

// rest stops the processes of a peer while others are measured on the same core: some compile and tidy on their own.
func (l launch) rest() { l.signal(syscall.SIGSTOP) }

// wake lets them go on.
func (l launch) wake() { l.signal(syscall.SIGCONT) }

func (l launch) signal(s syscall.Signal) {
	if l.group != 0 {
		_ = syscall.Kill(-l.group, s) // gone: measuring it tells
	}
}

// describe reads the description of a provider.
func describe(path string) (*provider, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := new(provider)
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := errors.Join(d.Decode(p), p.check()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// check finds what would otherwise be left out in silence.
func (p *provider) check() error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if p.Name == "" || p.Issuer == "" {
		say("a name and an issuer are wanted")
	}
	if slices.Contains([]string{ceiling, ownName, sqliteName, beforeName}, p.Name) {
		say("the name %s is taken", p.Name)
	}
	if (p.Start == "") == (p.PID == 0) {
		say("either it is started here, or the id of its process is given")
	}
	for role := range p.Parties {
		if !slices.ContainsFunc(scenarios, func(s scenario) bool { return s.role == role }) {
			say("no scenario needs a party %q", role)
		}
	}
	for name, why := range p.Without {
		if _, err := scenarioOf(name); err != nil || why == "" {
			say("without %q: a scenario and a reason are wanted", name)
		}
	}
	return errors.Join(wrong...)
}

// peer is a provider of others that is started here.
type peer struct {
	*provider
	dir   string // of its description
	cpus  string
	env   []string
	log   string // file with what it says
	cmd   *exec.Cmd
	over  chan struct{} // closed when it has ended
	ended error         // how; read it after that
}

// patience is how long a peer may take until it answers. Keycloak makes its tables first, which took more than 5 minutes at a
// load of 24.
const patience = 15 * time.Minute

// newPeer prepares what a description says. nil is one that runs already.
func (p plan) newPeer(ctx context.Context, file string, pg *privateDB) (*provider, *peer, error) {
	described, err := describe(file)
	if err != nil {
		return nil, nil, err
	}
	if described.Start == "" {
		return described, nil, described.discover()
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	described.Issuer = strings.ReplaceAll(described.Issuer, "{port}", port)
	s := &peer{provider: described, dir: filepath.Dir(file), cpus: p.serverCPU, env: append(os.Environ(), "PORT="+port)}
	if !described.Silent {
		s.log = filepath.Join(p.dir, described.Name+".log")
	}
	if described.Stores {
		dsn, err := pg.create(ctx, described.Name)
		if err != nil {
			return nil, nil, err
		}
		at, err := url.Parse(dsn)
		if err != nil {
			return nil, nil, err
		}
		password, _ := at.User.Password()
		s.env = append(s.env, "DATABASE="+at.Host+at.Path, "DATABASE_PASSWORD="+password)
		s.Database = pg.PID
	}
	c := exec.CommandContext(ctx, "bash", "-c", described.Prepare)
	c.Dir, c.Env = s.dir, s.env
	if out, err := c.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("preparing %s: %w: %s", described.Name, err, out)
	}
	return described, s, nil
}

// start starts the peer and waits until it answers.
func (s *peer) start(ctx context.Context) error {
	s.cmd = exec.CommandContext(ctx, "taskset", "-c", s.cpus, "bash", "-c", s.Start)
	s.cmd.Dir, s.cmd.Env = s.dir, s.env
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that what it starts ends with it
	s.cmd.Cancel = s.kill
	if s.log != "" {
		log, err := os.Create(s.log)
		if err != nil {
			return err
		}
		defer func() { _ = log.Close() }() // the peer has its own handle
		s.cmd.Stdout, s.cmd.Stderr = log, log
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.PID, s.over = s.cmd.Process.Pid, make(chan struct{})
	go func() {
		s.ended = s.cmd.Wait()
		close(s.over)
	}()
	began := now()
	for s.discover() != nil {
		select {
		case <-s.over:
			said, _ := os.ReadFile(s.log) // without it the end alone has to do
			return fmt.Errorf("%s ended before it answered: %w: %s", s.Name, s.ended, said)
		case <-time.After(50 * time.Millisecond):
		}
		if now().Sub(began) > patience {
			return errors.Join(fmt.Errorf("%s does not answer; what it says: %s", s.Name, s.log), s.stop())
		}
	}
	s.group = s.PID
	s.rest()
	return nil
}

func (s *peer) kill() error { return syscall.Kill(-s.PID, syscall.SIGKILL) }

// stop ends the peer, which has nothing to keep, and what it has started.
func (s *peer) stop() error {
	_ = s.kill() // gone already: nothing is left to end
	<-s.over
	return nil
}
