package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

var commitTime = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestArchiveDependsOnItsFilesOnly(t *testing.T) {
	files := []file{{"man/man1/idp.1", 0o644, []byte("manual")}, {"idp", 0o755, []byte("program")}}
	first, err := archive("idp_v1", files, commitTime)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	if second, err := archive("idp_v1", files, commitTime); err != nil || !bytes.Equal(first, second) {
		t.Errorf("another order gives other bytes (%v)", err)
	}
	var got []string
	unpacked, err := gzip.NewReader(bytes.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unpacked); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		got = append(got, fmt.Sprintf("%s %04o %d:%d%s%s %s %s %v", h.Name, h.Mode, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime.UTC().Format(time.RFC3339), data, err))
	}
	want := []string{
		"idp_v1/idp 0755 0:0 2026-11-25T12:00:00Z program <nil>",
		"idp_v1/man/man1/idp.1 0644 0:0 2026-11-25T12:00:00Z manual <nil>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// list is what the tests read of an SBOM.
type list struct {
	Format       string `json:"bomFormat"`
	Metadata     struct{ Timestamp string }
	Components   []component
	Dependencies []struct{ Ref string }
}

type component struct {
	PURL     string
	Hashes   []struct{ Alg, Content string }
	Evidence struct{ Licenses []any }
}

func TestSBOMListsEveryModule(t *testing.T) {
	path, err := exec.Command("go", "-C", "tools", "tool", "-n", "cyclonedx-gomod").Output() // any program with modules
	if err != nil {
		t.Fatal(err)
	}
	program := strings.TrimSpace(string(path))
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sbom("tools", t.TempDir(), program, commitTime)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := sbom("tools", t.TempDir(), program, commitTime); err != nil || !bytes.Equal(text, again) {
		t.Errorf("a second time it has other bytes (%v)", err)
	}
	var got list
	if err := json.Unmarshal(text, &got); err != nil || got.Format != "CycloneDX" || got.Metadata.Timestamp != "2026-11-25T12:00:00Z" {
		t.Fatalf("%v: %+v", err, got)
	}
	licensed := 0
	for _, m := range append(info.Deps, &debug.Module{Path: "std", Version: info.GoVersion}) {
		if m.Replace != nil {
			m = m.Replace
		}
		i := slices.IndexFunc(got.Components, func(c component) bool {
			return strings.HasPrefix(strings.ToLower(c.PURL), "pkg:golang/"+strings.ToLower(m.Path)+"@")
		})
		if i < 0 {
			t.Errorf("no %s in %s", m.Path, text)
			continue
		}
		c := got.Components[i]
		sum, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:"))
		if m.Sum != "" && (len(c.Hashes) != 1 || c.Hashes[0].Alg != "SHA-256" || c.Hashes[0].Content != hex.EncodeToString(sum)) {
			t.Errorf("%s with sum %x: %+v", m.Path, sum, c)
		}
		if len(c.Evidence.Licenses) > 0 {
			licensed++
		}
	}
	if len(info.Deps) == 0 || licensed < len(info.Deps)*9/10 {
		t.Errorf("%d of %d modules have a licence", licensed, len(info.Deps))
	}
	if len(got.Components) != len(info.Deps)+1 || len(got.Dependencies) == 0 {
		t.Errorf("%d components of %d modules and the standard library", len(got.Components), len(info.Deps))
	}
}

// What is installed depends on the files and the commit only.
func TestPackagesHaveTheSameBytesTwice(t *testing.T) {
	files := []file{
		{"idp", 0o755, []byte("program")}, {"idp.service", 0o644, []byte("ExecStart=/usr/local/bin/idp serve")},
		{"man/man1/idp.1", 0o644, []byte("manual")}, {"completions/_idp", 0o644, []byte("zsh")}, {"docs/oidc.md", 0o644, []byte("text")},
	}
	pack := func() map[string]string {
		dir := t.TempDir()
		names, err := install("tools", t.TempDir(), dir, "idp_v1.2.3_linux_arm64", "v1.2.3", "arm64", files, commitTime)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, name := range names {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(text)
		}
		return all
	}
	first, second := pack(), pack()
	if len(first) != 2 || !maps.Equal(first, second) {
		t.Errorf("%d packages, or two runs with other bytes", len(first))
	}
	for name, want := range map[string]string{
		"idp": "/usr/bin/idp", "idp.service": "/usr/lib/systemd/system/idp.service", "man/man1/idp.1": "/usr/share/man/man1/idp.1",
		"completions/idp.bash": "/usr/share/bash-completion/completions/idp", "LICENSE": "/usr/share/doc/idp/LICENSE",
	} {
		if got := placeOf(name); got != want {
			t.Errorf("%s is installed as %s, want %s", name, got, want)
		}
	}
}

func TestTimesAreTheCommits(t *testing.T) {
	info := &buildinfo.BuildInfo{}
	if _, err := builtAt(info, ""); err == nil {
		t.Error("built outside a repository, and there is a time")
	}
	if at, err := builtAt(info, "1795608000"); err != nil || at.Unix() != 1795608000 {
		t.Errorf("SOURCE_DATE_EPOCH: %s, %v", at, err)
	}
	if _, err := builtAt(info, "yesterday"); err == nil {
		t.Error("SOURCE_DATE_EPOCH of words")
	}
}
