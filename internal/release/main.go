// Command release writes what `make release` publishes: one archive per platform with the program, its manual pages,
// shell completions, systemd unit and documents, the same as .deb and .rpm (install.go), a list of what it was built from
// (SBOM, tool.go), and checksums.
//
// Two runs on one commit give the same bytes: the toolchain is told to leave out paths, the archive (archive.go) knows
// neither the time of the run nor who ran it, and all times in it are the commit's, or SOURCE_DATE_EPOCH
// (https://reproducible-builds.org/specs/source-date-epoch/). Version and commit come from the program itself.
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	dir := flag.String("dir", "dist", "folder for the archives")
	targets := flag.String("targets", "linux/amd64,linux/arm64", "platforms")
	flag.Parse()
	if err := release(*dir, strings.Split(*targets, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is run in the root of the repository.
func release(dir string, targets []string) error {
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }() // left behind, it harms nobody
	shared, err := sharedFiles(work)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var sums strings.Builder
	for _, target := range targets {
		written, err := pack(work, dir, target, shared)
		if err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
		for _, name := range written {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), name)
			fmt.Println(filepath.Join(dir, name))
		}
	}
	return os.WriteFile(filepath.Join(dir, "SHA256SUMS"), []byte(sums.String()), 0o644)
}

// pack builds one platform and writes its archive and SBOM; it returns their names.
func pack(work, dir, target string, shared []file) ([]string, error) {
	binary, err := build(work, target)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	at, err := builtAt(info, os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	bom, err := sbom(tools, work, binary, at)
	if err != nil {
		return nil, err
	}
	base := "idp_" + info.Main.Version + "_" + strings.ReplaceAll(target, "/", "_")
	files := append([]file{{"idp", 0o755, program}, {"sbom.cdx.json", 0o644, bom}}, shared...)
	text, err := archive(base, files, at)
	if err != nil {
		return nil, err
	}
	names := []string{base + ".tar.gz", base + ".cdx.json"}
	for i, data := range [][]byte{text, bom} {
		if err := os.WriteFile(filepath.Join(dir, names[i]), data, 0o644); err != nil {
			return nil, err
		}
	}
	system, machine, _ := strings.Cut(target, "/")
	if system != "linux" {
		return names, nil
	}
	packages, err := install(tools, work, dir, base, info.Main.Version, machine, files, at)
	return append(names, packages...), err
}

// build compiles the program for a platform, static, with version and commit in it.
func build(work, target string) (binary string, err error) {
	system, machine, ok := strings.Cut(target, "/")
	if !ok {
		return "", fmt.Errorf("a platform is system/machine, such as linux/amd64")
	}
	binary = filepath.Join(work, "idp_"+system+"_"+machine)
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", binary, "./cmd/idp")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+machine, "GOFLAGS=")
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return binary, nil
}

// builtAt is the time of all files: the commit's, unless somebody says otherwise.
func builtAt(info *buildinfo.BuildInfo, epoch string) (time.Time, error) {
	if epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		return time.Unix(seconds, 0).UTC(), nil
	}
	return time.Parse(time.RFC3339, setting(info, "vcs.time"))
}

func setting(info *buildinfo.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// documents are files of the repository and where they are in an archive.
var documents = map[string]string{
	"LICENSE": "LICENSE", "NOTICE": "NOTICE", "SECURITY.md": "SECURITY.md",
	"README.md": "README.md", "CHANGELOG.md": "CHANGELOG.md", "configs/example.yaml": "example.yaml",
	"docs/operating.md": "docs/operating.md", "docs/setup-file.md": "docs/setup-file.md", "docs/oidc.md": "docs/oidc.md",
	"docs/clients.md": "docs/clients.md", "docs/performance.md": "docs/performance.md", "docs/audit.md": "docs/audit.md",
	"docs/sso.md": "docs/sso.md", "docs/staff.md": "docs/staff.md", "docs/app.md": "docs/app.md", "docs/looks.md": "docs/looks.md",
	"docs/grafana/idp.json": "docs/grafana/idp.json", "docs/grafana/alerts.yaml": "docs/grafana/alerts.yaml", "packaging/idp.service": "idp.service",
	"packaging/platforms.example.yaml": "platforms.example.yaml",
}

// sharedFiles are those that every platform gets: documents, and what the program writes about itself.
func sharedFiles(work string) (all []file, err error) {
	for from, to := range documents {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		all = append(all, file{to, 0o644, data})
	}
	program, err := build(work, runtime.GOOS+"/"+runtime.GOARCH)
	if err != nil {
		return nil, err
	}
	for shell, name := range map[string]string{"bash": "idp.bash", "zsh": "_idp", "fish": "idp.fish"} {
		text, err := exec.Command(program, "completion", shell).Output()
		if err != nil {
			return nil, fmt.Errorf("completion of %s: %w", shell, err)
		}
		all = append(all, file{"completions/" + name, 0o644, text})
	}
	manual := filepath.Join(work, "man")
	if err := exec.Command(program, "man", manual).Run(); err != nil {
		return nil, fmt.Errorf("manual: %w", err)
	}
	pages, err := filepath.Glob(filepath.Join(manual, "*.1"))
	for _, page := range slices.Sorted(slices.Values(pages)) {
		text, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		all = append(all, file{"man/man1/" + filepath.Base(page), 0o644, text})
	}
	return all, err
}
