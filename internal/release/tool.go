package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tools is the module that pins what is run here beside Go, from the root of the repository.
const tools = "internal/release/tools"

// tool runs a program of the module tools, which is built when it was not before. The time that it may write is the
// commit's.
func tool(module string, at time.Time, name string, args ...string) error {
	path, err := exec.Command("go", "-C", module, "tool", "-n", name).Output()
	if err != nil {
		return fmt.Errorf("building %s: %w", name, err)
	}
	c := exec.Command(strings.TrimSpace(string(path)), args...)
	c.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(at.Unix(), 10))
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// sbom lists what a program was built from, as the toolchain noted it in the program: its modules with their hashes and
// licences, and the standard library (CycloneDX 1.6).
func sbom(module, work, binary string, at time.Time) ([]byte, error) {
	path := filepath.Join(work, filepath.Base(binary)+".cdx.json")
	err := tool(module, at, "cyclonedx-gomod", "bin", "-json", "-licenses", "-std", "-noserial", "-notimestamp", "-output", path, binary)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list map[string]any
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	about, ok := list["metadata"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s has no metadata", path)
	}
	about["timestamp"] = at.UTC().Format(time.RFC3339)
	// Of the tool itself the list has the hashes of its file, which depend on the machine.
	if used, ok := about["tools"].([]any); ok {
		for _, t := range used {
			if t, ok := t.(map[string]any); ok {
				delete(t, "hashes")
			}
		}
	}
	text, err = json.MarshalIndent(list, "", "  ")
	return append(text, '\n'), err
}
