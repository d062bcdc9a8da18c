package op

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a body is, it is refused as what it is, or every member of it is a text that another reader finds there, too.
func FuzzBodyOfTheAPI(f *testing.F) {
	for _, seed := range []string{
		`{"actor":"a","subject":"b","act":"reset_two_step","reason":"lost-phone"}`, ` { "a" : "\u0061\n" } `, `{}`, `{"a":"b","a":"c"}`,
		`{"\u0061":"b","a":"c"}`, `{"a":null}`, `{"a":1}`, `{"a":{"b":"c"}}`, `[]`, `"x"`, `null`, ``, `{`, `{"a":"b"}{}`, "{\"a\":\"\xff\"}",
		"\ufeff{}", `{"a":"\ud800"}`, strings.Repeat("[", 20000), strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		got, err := readJSON(r)
		var told *problem
		if err != nil {
			if !errors.As(err, &told) || told.code != "invalid_body" || told.status != http.StatusBadRequest || got != nil {
				t.Errorf("%q: %v, %v", body, got, err)
			}
			return
		}
		var want map[string]string
		if err := json.Unmarshal([]byte(body), &want); err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %q, another reader %q, %v", body, got, want, err)
		}
	})
}
