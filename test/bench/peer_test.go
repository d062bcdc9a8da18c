package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The descriptions of all peers that we know can be read, name a peer that goals know or a product, and say what they are.
func TestDescriptionsOfPeers(t *testing.T) {
	files, err := filepath.Glob("../../" + peersDir + "/*/peer.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d descriptions, %v", len(files), err)
	}
	for _, file := range files {
		p, err := describe(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Name != filepath.Base(filepath.Dir(file)) || p.Note == "" || p.Prepare == "" || !strings.Contains(p.Issuer, "{port}") {
			t.Errorf("%s: name, note, how it is prepared, or its port is not there: %+v", file, p)
		}
		if !p.Stores && p.Name != panva && p.Name != zitadel {
			t.Errorf("%s is in memory, and no goal knows it", p.Name)
		}
		if slices.Contains([]string{"", "0"}, fmt.Sprint(p.Login.People)) || p.Parties[roleCode].ID == "" {
			t.Errorf("%s: nobody signs in, or nowhere", p.Name)
		}
	}
}

func TestDescriptionsThatAreRefused(t *testing.T) {
	const good = `{"name": "other", "issuer": "http://127.0.0.1:9001", "pid": 7, "without": {"code_sso": "it has no sessions"},
"parties": {"code": {"client_id": "c", "secret": "s", "scopes": "openid"}}}`
	for change, want := range map[string]string{
		``:                                   "",
		`"other"=>""`:                        "a name and an issuer",
		`"other"=>"postgres"`:                "is taken",
		`"pid": 7=>"pid": 0`:                 "either it is started",
		`"pid": 7=>"pid": 7, "start": "x"`:   "either it is started",
		`"pid": 7=>"pid": 7, "pids": [1]`:    `unknown field "pids"`,
		`"code": {=>"codes": {`:              `no scenario needs a party "codes"`,
		`"code_sso"=>"code_ssl"`:             `without "code_ssl"`,
		`"it has no sessions"=>""`:           `without "code_sso"`,
		`{"name": "other"=>{"name" "other"`:  "invalid character",
		`"pid": 7=>"start": "exec x"`:        "",
		`"scopes": "openid"=>"scope": "all"`: `unknown field "scope"`,
	} {
		before, after, _ := strings.Cut(change, "=>")
		file := filepath.Join(t.TempDir(), "peer.json")
		if err := os.WriteFile(file, []byte(strings.Replace(good, before, after, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		switch _, err := describe(file); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", change, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %s", change, err, want)
		}
	}
}

// A peer is started in its folder, answers, rests between measurements, and ends with what it has started.
func TestAPeerIsStartedAndEnds(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("peer.json", `{"name": "little", "issuer": "http://127.0.0.1:{port}", "prepare": "touch prepared",
"start": "test -e prepared || exit 3; sleep 600 & echo $! >child; HELLO_SECRET=abc BENCH_HELLO=$PORT `+self+` & wait",
"parties": {"machine-opaque": {"client_id": "opaque", "secret": "abc", "scopes": ""}}}`)
	_, s, err := plan{dir: dir, serverCPU: "0"}.newPeer(t.Context(), filepath.Join(dir, "peer.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := func(pid int) string {
		raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // gone: no state
		_, after, _ := strings.Cut(string(raw), ") ")
		return after[:min(1, len(after))]
	}
	processes := family(s.PID)
	if len(processes) != 3 {
		t.Errorf("%d processes, want bash, sleep and the server", len(processes))
	}
	waitFor(t, func() bool { return state(s.PID) == "T" })
	if memoryOf(processes...) <= memoryOf(s.PID) {
		t.Error("what it has started takes no memory")
	}
	sc, err := scenarioOf("machine_opaque")
	if err != nil {
		t.Fatal(err)
	}
	r, err := measure(t.Context(), s.provider, sc, effort{workers: 2, lasts: 300e6})
	if err != nil || r.perSecond == 0 || r.failures > 0 || r.cpu == 0 {
		t.Errorf("got %+v, %v; the CPU of what it has started is to be counted", r, err)
	}
	s.wake() // what is stopped and an orphan would end anyway
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	for _, pid := range processes {
		waitFor(t, func() bool { return strings.Trim(state(pid), "Z") == "" })
	}
}

func TestAPeerThatEndsSaysWhy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "peer.json")
	text := `{"name": "gone", "issuer": "http://127.0.0.1:{port}", "start": "echo no such module >&2; exit 4"}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, s, err := plan{dir: dir, serverCPU: "0"}.newPeer(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err == nil || !strings.Contains(err.Error(), "no such module") {
		t.Errorf("got %v", err)
	}
}
