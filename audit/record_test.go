package audit

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/fault"
)

// Kinds has every constant, in their order: what is missing could not be asked for.
func TestKindsAreAllConstants(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "audit.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var want []Kind
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Kind" {
				text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, Kind(text))
			}
		}
		return true
	})
	if !slices.Equal(Kinds(), want) || len(want) < 40 {
		t.Errorf("Kinds are %v\nconstants are %v", Kinds(), want)
	}
}

func TestKindsOfAWord(t *testing.T) {
	for word, want := range map[string]string{
		"session.start": "session.start", "session.": "session.start session.raise session.end session.end_all",
		"audit.": "audit.read audit.export", "session": "!", "": "!", ".": "!", "sesion.": "!", "session.s": "!", "session.start.": "!",
	} {
		kinds, err := KindsOf(word)
		var got []string
		for _, k := range kinds {
			got = append(got, string(k))
		}
		if want == "!" && !errors.Is(err, fault.Invalid) || want != "!" && (err != nil || strings.Join(got, " ") != want) {
			t.Errorf("%q: %v, %v, want %s", word, got, err, want)
		}
	}
}

func TestCursorComesBack(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 7_000_000, time.UTC)
	for _, c := range []Cursor{{}, {at, 0, "abc"}, {at, 12, "with-a-line"}, {time.UnixMilli(-1).UTC(), 1, "before 1970"}} {
		if got, err := ParseCursor(c.String()); err != nil && c.At.UnixMilli() >= 0 || err == nil && got != c {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	for _, text := range []string{"x", "1", "1-2", "1-2-", "-1-2-x", "01-2-x", "1-02-x", "1--2-x", "1-99999999999-x", "99999999999999999999-1-x"} {
		if c, err := ParseCursor(text); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v, %v", text, c, err)
		}
	}
}

// The event of a reading names whose record it was, filters and a number; nothing else that was asked.
func TestReadingSaysWhichFilters(t *testing.T) {
	now := time.Now()
	q := Query{
		Platform: "linde", Account: "anna", Actor: "cli root", Kinds: []Kind{SessionStarted}, Outcome: Failure, Reference: "7KQ4-MXDA",
		Since: now, Until: now, After: Cursor{ID: "x"}, Limit: 5,
	}
	want := Event{
		At: now, Platform: "linde", Kind: RecordRead, Actor: "cli ria", Account: "anna", Outcome: Success,
		Reason: "12 account actor kind outcome reference since until after",
	}
	if got := q.Reading(Reader{Name: "cli ria"}, 12, now); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	q.Export, want.Kind = true, RecordExported
	if got := q.Reading(Reader{Name: "cli ria"}, 12, now); got != want {
		t.Errorf("as a file: %+v, want %+v", got, want)
	}
	if got := (Query{Platform: "linde", Limit: 1}).Reading(Reader{Name: "cli ria"}, 0, now).Reason; got != "0" {
		t.Errorf("without filters: %q", got)
	}
	for _, wrong := range []Query{{Limit: 1}, {Platform: "linde"}, {Platform: "linde", Limit: -1}, {Platform: "linde", Limit: MaxPage + 1}} {
		if err := wrong.Validate(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	q.Limit = MaxPage
	if err := q.Validate(); err != nil {
		t.Error(err)
	}
}
