package admin

import (
	"net/http"
	"strings"

	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

// RolesPage says which role may do what, for who is new here.
type RolesPage struct {
	Chrome
	Roles  []string // text keys of the columns
	Rights []RightRow
}

// RightRow is an act, and who may do it.
type RightRow struct {
	What  string      // text key
	Cells []RightCell // by role
	Wants []string    // text keys of what it asks of who does it
}

// RightCell is whether a role has a right.
type RightCell struct {
	Role string // text key
	Held string // text key
	Has  bool
}

// helpers are the roles that have any right, as columns.
var helpers = []platform.Role{platform.Helpdesk, platform.Manager, platform.Professional}

// showRoles is the table of rights in words.
func (s *Server) showRoles(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.show(w, r, v, "staff_roles", rolesPage(s.chrome(v)))
}

func rolesPage(c Chrome) RolesPage {
	page := RolesPage{Chrome: c}
	for _, role := range helpers {
		page.Roles = append(page.Roles, roleKey(role))
	}
	for _, right := range staff.Rights() {
		row := RightRow{What: "staff.act_" + underscored(string(right.Act))}
		for i, held := range []string{string(right.Helpdesk), string(right.Manager), string(right.Professional)} {
			cell := RightCell{Role: page.Roles[i], Held: "staff.held_no", Has: held != ""}
			if cell.Has {
				cell.Held = "staff.held_" + underscored(held)
			}
			row.Cells = append(row.Cells, cell)
		}
		for _, want := range []struct {
			key    string
			wanted bool
		}{{"staff.wants_fresh", right.Fresh}, {"staff.wants_reason", right.Reason}, {"staff.wants_identified", right.Identified}} {
			if want.wanted {
				row.Wants = append(row.Wants, want.key)
			}
		}
		page.Rights = append(page.Rights, row)
	}
	return page
}

// underscored is a word of ours as text keys have it.
func underscored(word string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(word)
}
