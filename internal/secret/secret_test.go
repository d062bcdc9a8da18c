package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestValuesHaveTheirShapeAndDiffer(t *testing.T) {
	for name, c := range map[string]struct {
		make    func() string
		pattern string
	}{
		"token":     {Token, `^[A-Za-z0-9_-]{43}$`},
		"id":        {ID, `^[a-z2-7]{26}$`},
		"reference": {Reference, `^[2-9A-HJKMNP-TW-Z]{4}-[2-9A-HJKMNP-TW-Z]{4}$`},
		"bytes":     {func() string { return string(Bytes(32)) }, `(?s)^.{0,32}$`},
	} {
		seen, pattern := map[string]bool{}, regexp.MustCompile(c.pattern)
		for range 1000 {
			v := c.make()
			if !pattern.MatchString(v) || seen[v] {
				t.Fatalf("%s: got %q, twice: %v", name, v, seen[v])
			}
			seen[v] = true
		}
	}
	for _, n := range []int{0, 1, 32} {
		if got := len(Bytes(n)); got != n {
			t.Errorf("got %d bytes, want %d", got, n)
		}
	}
}

// Every character of a reference comes equally often: of 29 characters in 80 000 draws each about 2759 times, and
// further away than 400 (more than 7 standard deviations) hardly once in a million years of test runs.
func TestReferenceIsUniform(t *testing.T) {
	count := map[rune]int{}
	for range 10_000 {
		for _, r := range strings.ReplaceAll(Reference(), "-", "") {
			count[r]++
		}
	}
	if len(count) != len(referenceAlphabet) {
		t.Errorf("got %d characters, want %d", len(count), len(referenceAlphabet))
	}
	for r, n := range count {
		if n < 2359 || n > 3159 {
			t.Errorf("%c came %d times of about 2759", r, n)
		}
	}
}

func TestHash(t *testing.T) {
	// FIPS 180-2 appendix B.1.
	if got := hex.EncodeToString(Hash("abc")); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("got %s", got)
	}
	if !Equal(Hash("abc"), Hash("abc")) || Equal(Hash("abc"), Hash("abd")) || Equal(Hash("abc"), nil) || Equal(nil, []byte{0}) {
		t.Error("equal hashes differ, or different ones are equal")
	}
}

func TestTextNeverShows(t *testing.T) {
	type settings struct {
		Password Text   `json:"password" yaml:"password"`
		List     []Text `json:"list" yaml:"list"`
		Pointer  *Text  `json:"pointer" yaml:"pointer"`
	}
	text := Text("hunter2")
	v := settings{text, []Text{text}, &text}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&shown, verb+" "+verb+" "+verb+"\n", text, v, []Text{text})
	}
	fmt.Fprintln(&shown, fmt.Errorf("opening: %v", text), map[Text]int{text: 1})
	for _, h := range []slog.Handler{slog.NewJSONHandler(&shown, nil), slog.NewTextHandler(&shown, nil)} {
		slog.New(h).Info("started", "database", text, "all", v, "list", v.List)
	}
	asJSON, errJSON := json.Marshal(v)
	asYAML, errYAML := yaml.Marshal(v)
	if errJSON != nil || errYAML != nil {
		t.Fatal(errJSON, errYAML)
	}
	shown.Write(asJSON)
	shown.Write(asYAML)
	for _, leak := range []string{"hunter2", hex.EncodeToString([]byte("hunter2")), strings.ToUpper(hex.EncodeToString([]byte("hunter2")))} {
		if strings.Contains(shown.String(), leak) {
			t.Errorf("%s is shown in\n%s", leak, shown.String())
		}
	}
	if !strings.Contains(string(asYAML), "password: '[hidden]'") || !strings.Contains(string(asJSON), `"list":["[hidden]"]`) {
		t.Errorf("got %s and %s", asYAML, asJSON)
	}
	if text.Reveal() != "hunter2" {
		t.Error("Reveal hides")
	}
}

func TestTextIsRead(t *testing.T) {
	var fromYAML, fromJSON struct{ Password Text }
	if err := yaml.Unmarshal([]byte("password: hunter2"), &fromYAML); err != nil || fromYAML.Password.Reveal() != "hunter2" {
		t.Errorf("YAML: got %q, %v", fromYAML.Password.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(`{"password":"hunter2"}`), &fromJSON); err != nil || fromJSON.Password.Reveal() != "hunter2" {
		t.Errorf("JSON: got %q, %v", fromJSON.Password.Reveal(), err)
	}
}
