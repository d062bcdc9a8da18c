package admin

import (
	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/ui"
)

// samples are the states of the page.
func (RecordPage) samples() []ui.Sample {
	page := func(form RecordFilter, more bool, events ...Line) RecordPage {
		p := RecordPage{Chrome: sampleChrome("staff.record"), Action: recordPath, ExportURL: recordExport, Filter: form, Events: events}
		if more {
			p.OlderURL, p.NewestURL = recordPath+"?after=1764072000000-0-x", recordPath
		}
		return p
	}
	form := func(about, from string) RecordFilter {
		choices := []FilterChoice{{"", "staff.record_all", true}}
		for _, name := range Subjects() {
			choices = append(choices, FilterChoice{name, "staff.record_" + name, false})
		}
		f := RecordFilter{
			About: about, Narrow: about != "" || from != "",
			Days: []FilterDay{{"from", "staff.record_from", from}, {"until", "staff.record_until", ""}},
			Sets: []FilterSet{{"what", "staff.record_what", choices}, {"outcome", "staff.record_outcome", []FilterChoice{
				{"", "staff.record_all", true},
				{string(audit.Success), "staff.record_success", false}, {string(audit.Failure), "staff.record_failure", false},
			}}},
		}
		if about != "" {
			f.By = "cli"
			f.Only = []FilterOnly{
				{"staff.record_about", sampleAnna, recordPath}, {"staff.record_by", Named{Key: "staff.by_operator"}, recordPath},
			}
		}
		return f
	}
	wrong := form("", "")
	wrong.Days[1].Value, wrong.Number = "2025-01-01", "7KQ"
	return []ui.Sample{
		{Name: "newest", Data: page(form("", ""), false, sampleEvents...), Staff: true},
		{Name: "of one person, older", Data: page(form("4xq2m7nkc5vbz3hdtw6ysgjp4r", "2026-11-01"), true, sampleEvents[:2]...), Staff: true},
		{Name: "nothing", Data: page(form("", "2026-11-01"), false), Staff: true},
		{Name: "mistakes", Data: page(wrong, false), Staff: true, Status: 422, Errors: []ui.FieldError{
			{Field: "from", Key: "staff.record_no_day"}, {Field: "until", Key: "staff.record_backwards"}, {Field: "number", Key: "staff.reference_wrong"},
		}},
	}
}

// samples are the states of the page: of the record, and of people.
func (ExportPage) samples() []ui.Sample {
	record := ExportPage{
		Title: "staff.record_export", Body: "staff.export_body", Back: "staff.export_back", Chrome: sampleChrome("staff.record"),
		Action: recordExport, Fields: []HiddenField{{"what", "login"}}, Most: audit.MaxPage, BackURL: recordPath,
	}
	people := ExportPage{
		Title: "staff.people_export", Body: "staff.people_export_body", Back: "staff.to_people", Chrome: sampleChrome("staff.people"),
		Action: peopleExport, Fields: []HiddenField{{"s", "x"}}, Most: account.MaxExport, BackURL: root + "?s=x",
	}
	return []ui.Sample{{Name: "record", Staff: true, Data: record}, {Name: "people", Staff: true, Data: people}}
}
