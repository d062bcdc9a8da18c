package docs_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"github.com/minddistrict/idp/op"
)

func TestEveryEndpointIsDescribed(t *testing.T) {
	var table strings.Builder
	table.WriteString("| path | methods | in discovery | auth | scripts | other sites | old settings |\n|---|---|---|---|---|---|---|\n")
	yes := map[bool]string{true: "yes", false: ""}
	for _, e := range op.Endpoints() {
		var auth []string
		for _, a := range e.Auth {
			auth = append(auth, "`"+string(a)+"`")
		}
		published := ""
		if e.Published != "" {
			published = "`" + e.Published + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s | %s | %s |\n", e.Path, strings.Join(e.Served(), " "), published,
			strings.Join(auth, " "), cmp.Or(string(e.Scripts), "own"), yes[e.CrossSite], yes[e.Stale])
	}
	sectionOf(t, "oidc.md", "endpoints", table.String())
}
