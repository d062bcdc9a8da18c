//go:build clients

package clients_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/minddistrict/idp/test/program"
)

// nodeProgram is one of the programs of testdata/tools on Node: a line of JSON in, a line of JSON out.
type nodeProgram struct {
	t       *testing.T
	in      io.Writer
	answers chan answer
}

// answer is what a program says: a result, or the error of its library.
type answer struct {
	Result  map[string]any `json:"result"`
	Error   string         `json:"error"`
	Details map[string]any `json:"details"` // of the error, in test/app-client
}

// node is the program of Node: Debian's is older than openid-client asks.
func node(t *testing.T) string {
	t.Helper()
	architecture := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	node, err := filepath.Abs(filepath.Join(tools, "node_modules", "node-linux-"+architecture, "bin", "node"))
	if err != nil {
		t.Fatal(err)
	}
	return node
}

// startNode starts a program of testdata/tools with a folder of its own first in its PATH.
func (h *house) startNode(t *testing.T, script, path string, party map[string]string) *nodeProgram {
	t.Helper()
	return h.startProgram(t, tools, []string{"./extensions.mjs", script}, path, party)
}

// authjsTools is where the packages of Auth.js are, which `make clients` installs.
const authjsTools = tools + "/authjs"

// authjsVersion is the version of a package that Auth.js runs with.
func authjsVersion(t *testing.T, name string) string {
	t.Helper()
	var file struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal([]byte(readFile(t, authjsTools+"/package.json")), &file); err != nil || file.Dependencies[name] == "" {
		t.Fatalf("%s is not in package.json: %v", name, err)
	}
	return file.Dependencies[name]
}

// nodeFolder makes a folder of modules that find the packages of npm.
func nodeFolder(t *testing.T, modules map[string]string) (dir string) {
	t.Helper()
	return moduleFolder(t, filepath.Join(tools, "node_modules"), modules)
}

// moduleFolder makes a folder of modules that find the packages of a folder.
func moduleFolder(t *testing.T, from string, modules map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	packages, err := filepath.Abs(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(packages, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	for name, text := range modules {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startProgram starts a program of a folder: what Node imports first, and the script.
func (h *house) startProgram(t *testing.T, dir string, scripts []string, path string, party map[string]string) *nodeProgram {
	t.Helper()
	settings, err := json.Marshal(party)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node(t), append([]string{"--import"}, scripts...)...)
	cmd.Dir = dir
	cmd.Env = []string{"NODE_EXTRA_CA_CERTS=" + h.Authority, "PARTY=" + string(settings), "PATH=" + path + ":" + os.Getenv("PATH")}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs program.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatalf("Node (.ci/prepare installs it): %v", err)
	}
	p := &nodeProgram{t: t, in: in, answers: make(chan answer)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(p.answers)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var a answer
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				a.Error = "not an answer: " + lines.Text()
			}
			p.answers <- a
		}
	}()
	t.Cleanup(func() {
		_ = in.Close() // the program ends when there is nothing more to do
		for range p.answers {
			t.Error("an answer that nobody waited for")
		}
		<-read
		if err := cmd.Wait(); err != nil || errs.String() != "" {
			t.Errorf("%s: %v\n%s", scripts, err, errs.String())
		}
	})
	return p
}

// send asks the program to do something.
func (p *nodeProgram) send(t *testing.T, request map[string]any) {
	t.Helper()
	line, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
}

// receive waits for the answer.
func (p *nodeProgram) receive(t *testing.T) answer {
	t.Helper()
	select {
	case a, ok := <-p.answers:
		if !ok {
			t.Fatal("the program ended")
		}
		return a
	case <-time.After(20 * time.Second):
		t.Fatal("the program does not answer")
	}
	return answer{}
}

// do asks the program to do something that must work.
func (p *nodeProgram) do(t *testing.T, what string, with map[string]any) map[string]any {
	t.Helper()
	a := p.ask(t, what, with)
	if a.Error != "" {
		t.Fatalf("%s: %s", what, a.Error)
	}
	return a.Result
}

func (p *nodeProgram) ask(t *testing.T, what string, with map[string]any) answer {
	t.Helper()
	request := map[string]any{"do": what}
	for k, v := range with {
		request[k] = v
	}
	p.send(t, request)
	return p.receive(t)
}

// refused asks the program to do something that must end in this error.
func (p *nodeProgram) refused(t *testing.T, code, what string, with map[string]any) {
	t.Helper()
	if a := p.ask(t, what, with); a.Error != code {
		t.Errorf("%s: got %q %v, want the error %q", what, a.Error, a.Result, code)
	}
}

func text(m map[string]any, key string) string {
	s, _ := m[key].(string)
	return s
}
