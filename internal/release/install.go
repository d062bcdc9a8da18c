package main

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// places are where the packages of a Linux system have the files of an archive, by the beginning of their name. What is
// in none of them is a document.
var places = []struct{ from, to string }{
	{"idp.service", "/usr/lib/systemd/system/idp.service"},
	{"man/man1/", "/usr/share/man/man1/"},
	{"completions/idp.bash", "/usr/share/bash-completion/completions/idp"},
	{"completions/_idp", "/usr/share/zsh/vendor-completions/_idp"},
	{"completions/idp.fish", "/usr/share/fish/vendor_completions.d/idp.fish"},
}

// placeOf is where a package has a file of an archive.
func placeOf(name string) string {
	if name == "idp" {
		return "/usr/bin/idp"
	}
	for _, p := range places {
		if rest, ok := strings.CutPrefix(name, p.from); ok {
			return p.to + rest
		}
	}
	return "/usr/share/doc/idp/" + name
}

// content is one file of a package, as nfpm is told of it.
type content struct {
	Source string   `json:"src"`
	Place  string   `json:"dst"`
	Info   fileInfo `json:"file_info"`
}

type fileInfo struct {
	Mode int64     `json:"mode"`
	At   time.Time `json:"mtime"`
}

// install packs the files of an archive as .deb and .rpm. Neither has a script: installing starts nothing, and removing
// leaves /etc/idp and the database alone. The files beside the program lie where distributions have them, so the unit
// starts /usr/bin/idp.
func install(module, work, dir, base, version, machine string, files []file, at time.Time) (names []string, err error) {
	root := filepath.Join(work, base)
	var contents []content
	for _, f := range files {
		if f.name == "idp.service" {
			f.data = []byte(strings.ReplaceAll(string(f.data), "/usr/local/bin/idp", "/usr/bin/idp"))
		}
		source := filepath.Join(root, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(source), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(source, f.data, 0o644); err != nil {
			return nil, err
		}
		contents = append(contents, content{source, placeOf(path.Clean(f.name)), fileInfo{f.mode, at}})
	}
	told, err := json.Marshal(map[string]any{ // JSON is YAML
		"name": "idp", "arch": machine, "platform": "linux", "version": version, "mtime": at,
		"maintainer": "Minddistrict", "vendor": "Minddistrict", "license": "Apache-2.0", "section": "net", "priority": "optional",
		"homepage": "https://github.com/minddistrict/idp", "description": "OpenID Connect provider for care platforms",
		"rpm": map[string]any{"buildhost": "localhost"}, "contents": contents,
	})
	if err != nil {
		return nil, err
	}
	config := root + ".yaml"
	if err := os.WriteFile(config, told, 0o644); err != nil {
		return nil, err
	}
	for _, kind := range []string{"deb", "rpm"} {
		name := base + "." + kind
		if err := tool(module, at, "nfpm", "package", "--config", config, "--packager", kind, "--target", filepath.Join(dir, name)); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}
