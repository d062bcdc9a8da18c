package admin

import (
	"embed"

	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// Part is what these pages show and say.
func Part() ui.Part { return ui.Part{Files: files, Samples: samples} }

// samples are the states of the pages.
func samples() map[string][]ui.Sample {
	return map[string][]ui.Sample{
		"staff_people":    PeoplePage{}.samples(),
		"staff_person":    PersonPage{}.samples(),
		"staff_deed":      DeedPage{}.samples(),
		"staff_waiting":   WaitingPage{}.samples(),
		"staff_reference": ReferencePage{}.samples(), "staff_record": RecordPage{}.samples(),
		"staff_record_export": RecordExportPage{}.samples(),
		"staff_invite":        InvitePage{}.samples(),
		"staff_invite_many":   InviteManyPage{}.samples(),
		"staff_invite_file":   InviteFilePage{}.samples(),
		"staff_roles":         RolesPage{}.samples(),
	}
}
