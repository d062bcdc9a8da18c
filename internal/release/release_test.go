package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"os"
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

func TestSBOMListsEveryModule(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	info.Deps = append(info.Deps, &debug.Module{Path: "github.com/BurntSushi/toml", Version: "v1.4.0+incompatible", Sum: "h1:x"})
	text, err := sbom(info, commitTime)
	if err != nil {
		t.Fatal(err)
	}
	var got bom
	if err := json.Unmarshal(text, &got); err != nil || got.Format != "CycloneDX" || got.Metadata.Timestamp != "2026-11-25T12:00:00Z" {
		t.Fatalf("%v: %+v", err, got)
	}
	if len(got.Components) != len(info.Deps)+1 || len(got.Dependencies[0].On) != len(got.Components) {
		t.Errorf("%d components of %d modules and the standard library", len(got.Components), len(info.Deps))
	}
	if text := string(text); !strings.Contains(text, `"purl": "pkg:golang/github.com/burntsushi/toml@v1.4.0%2Bincompatible"`) || !strings.Contains(text, `"value": "h1:x"`) {
		t.Errorf("no module with its sum in %s", text)
	}
	for _, c := range got.Components {
		if !strings.HasPrefix(c.PURL, "pkg:golang/") || c.Ref != c.PURL || strings.ContainsAny(c.PURL, "+ ") {
			t.Errorf("purl %q", c.PURL)
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
