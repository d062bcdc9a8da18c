package admin

import (
	"embed"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/ui"
)

//go:embed templates texts
var files embed.FS

// Part is what these pages show and say.
func Part() ui.Part { return ui.Part{Files: files, Samples: samples, Chosen: chosen()} }

// chosen are texts that are said one at a time, where one is looked at for all.
func chosen() []string {
	keys := notices()
	for _, state := range account.InviteStates {
		keys = append(keys, "staff.finding_invite_"+underscored(string(state)))
	}
	return keys
}

// samples are the states of the pages.
func samples() map[string][]ui.Sample {
	return map[string][]ui.Sample{
		"staff_people":      PeoplePage{}.samples(),
		"staff_person":      PersonPage{}.samples(),
		"staff_deed":        DeedPage{}.samples(),
		"staff_connections": ConnectionsPage{}.samples(), "staff_connection": ConnectionPage{}.samples(),
		"staff_waiting":   WaitingPage{}.samples(),
		"staff_welcome":   WelcomePage{}.samples(),
		"staff_reference": ReferencePage{}.samples(), "staff_record": RecordPage{}.samples(),
		"staff_export":       ExportPage{}.samples(),
		"staff_invite":       InvitePage{}.samples(),
		"staff_invite_many":  InviteManyPage{}.samples(),
		"staff_invite_file":  InviteFilePage{}.samples(),
		"staff_roles":        RolesPage{}.samples(),
		"staff_referral":     ReferralPage{}.samples(),
		"staff_referral_end": ReferralEndPage{}.samples(),
	}
}
