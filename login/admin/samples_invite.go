package admin

import (
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
	"github.com/minddistrict/idp/ui"
)

// samples are the states of the page.
func (InvitePage) samples() []ui.Sample {
	page := func(change func(*InvitePage)) InvitePage {
		p := InvitePage{
			Chrome: sampleChrome("staff.invite"), Action: root + "/invite", ManyURL: root + "/invite/many",
			Languages: []LanguageChoice{{"nl", "Nederlands", true}, {"en", "English", false}},
		}
		for _, role := range platform.Roles[:4] {
			p.Roles = append(p.Roles, RoleChoice{string(role), roleKey(role), false})
		}
		if change != nil {
			change(&p)
		}
		return p
	}
	typed := func(p *InvitePage) {
		p.Given, p.Middle, p.Family, p.Email = "Anna", "van der", "Berg-Bakker", "anna@example.org"
	}
	wrong := func(field, key string) ui.FieldError { return ui.FieldError{Field: field, Key: key} }
	return []ui.Sample{
		{Name: "empty", Data: page(nil), Staff: true},
		{Name: "invited", Data: page(func(p *InvitePage) { p.Invited = sampleAnna }), Staff: true},
		{
			Name: "there already", Data: page(func(p *InvitePage) { typed(p); p.There = sampleAnna }), Staff: true,
			Errors: []ui.FieldError{wrong("email", "staff.invite_there")}, Status: 422,
		},
		{
			Name: "mistakes", Data: page(typed), Staff: true, Status: 422, Errors: []ui.FieldError{
				wrong("given_name", "staff.flaw_no_name"), wrong("middle_name", "staff.flaw_formula"), wrong("family_name", "staff.flaw_odd_name"),
				wrong("email", "staff.flaw_bad_address"), wrong("role", "staff.flaw_second_for_role"), wrong("language", "staff.flaw_unknown_language"),
			},
		},
		{Name: "too many", Data: page(func(p *InvitePage) { typed(p); p.Limited = true }), Staff: true},
	}
}

// samples are the states of the page.
func (InviteManyPage) samples() []ui.Sample {
	page := InviteManyPage{
		Chrome: sampleChrome("staff.invite"), Action: root + "/invite/many", ExampleURL: root + "/invite/many/example", OneURL: root + "/invite",
		Most: staff.MostRows,
	}
	limited := page
	limited.Limited = true
	all := []ui.Sample{{Name: "empty", Data: page, Staff: true}, {Name: "too many", Data: limited, Staff: true}}
	for _, key := range []string{
		"none", "too_large", "empty", "workbook", "encoding", "too_many", "no_addresses", "two_columns",
	} {
		all = append(all, ui.Sample{
			Name: "file: " + key, Data: page, Staff: true, Status: 422, Errors: []ui.FieldError{{Field: "file", Key: "staff.file_" + key}},
		})
	}
	return all
}

// samples are the states of the page.
func (InviteFilePage) samples() []ui.Sample {
	page := InviteFilePage{Chrome: sampleChrome("staff.invite"), Action: root + "/invite/many/4xq2m7nkc5vbz3hdtw6ysgjp4r", OtherURL: root + "/invite/many"}
	gone, done, report, same, checked := page, page, page, page, page
	gone.Gone = true
	done.AppliedAt, done.Invited = sampleNoon, 312
	var flaws []string
	for _, flaw := range []staff.Flaw{
		staff.NoName, staff.OddName, staff.FormulaLike, staff.NoAddress, staff.BadAddress, staff.UnknownRole, staff.HigherRole,
		staff.SecondForRole, staff.UnknownLanguage, staff.BrokenRow, staff.MoreCells,
	} {
		flaws = append(flaws, flawKeys[flaw])
	}
	report.Changed, report.Limited = true, true
	report.Report = Report{
		New: 312, There: 2, Twice: 1, Wrong: 1, Converted: true, Unused: []string{"geboortedatum", "afdeling"}, Page: 2, Pages: 3,
		Earlier: page.Action + "?page=1", Later: page.Action + "?page=3",
		Rows: []ReportRow{
			{Line: 7, Name: "=Anna", Address: "anna", Flaws: flaws},
			{Line: 8, Name: "Bram Bakker", Address: "bram@example.org", Role: roleKey(platform.Client), Twice: 3},
			{Line: 9, Address: "anna@example.org", Role: roleKey(platform.Relative), There: Named{Name: "anna@example.org", URL: sampleAnna.URL}},
			{Line: 10, Name: "Chris de Vries", Address: "chris@example.org", Role: roleKey(platform.Professional), New: true},
		},
	}
	same.Report = Report{
		There: 1, Page: 1, Pages: 1,
		Rows: []ReportRow{{Line: 2, Address: "anna@example.org", Role: roleKey(platform.Manager), There: Named{Name: "anna@example.org", URL: sampleAnna.URL}}},
	}
	checked.Report = Report{
		New: 29, Wrong: 1, Page: 1, Pages: 1,
		Rows: []ReportRow{
			{Line: 6, Name: "Bram Bakker", Address: "bram.example.org", Role: roleKey(platform.Client), Flaws: []string{flawKeys[staff.BadAddress]}},
			{Line: 2, Name: "Chris de Vries", Address: "chris@example.org", Role: roleKey(platform.Client), New: true},
			{Line: 3, Name: "Zoë Müller", Address: "zoe@example.org", Role: roleKey(platform.Relative), New: true},
		},
	}
	return []ui.Sample{
		{Name: "report", Data: report, Staff: true}, {Name: "checked", Data: checked, Staff: true}, {Name: "nobody new", Data: same, Staff: true}, {Name: "done", Data: done, Staff: true},
		{Name: "gone", Data: gone, Staff: true},
	}
}

// samples are the states of the page.
func (RolesPage) samples() []ui.Sample {
	return []ui.Sample{{Name: "all", Data: rolesPage(sampleChrome("staff.roles")), Staff: true}}
}
