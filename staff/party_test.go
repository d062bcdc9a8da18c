package staff

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/platform"
)

// A party that something else names is not deleted: people would be led nowhere, or a token would be for nobody.
func TestPartyThatIsNamedIsNotDeleted(t *testing.T) {
	f := facts(account.Active)
	f.Account = nil
	named := func(id grant.PartyID, on platform.ID, audience ...string) grant.Party {
		return grant.Party{Platform: on, ID: id, Audience: audience}
	}
	for says, row := range map[string]struct {
		login   string
		all     []grant.Party
		refused string
	}{
		"nobody names it":                {"", []grant.Party{named("web", "linde"), named("api", "linde")}, ""},
		"the platform leads there":       {"web", []grant.Party{named("web", "linde")}, "login_party of platform linde names it"},
		"the platform leads elsewhere":   {"api", []grant.Party{named("web", "linde"), named("api", "linde")}, ""},
		"tokens of others are for it":    {"", []grant.Party{named("app", "linde", "api", "web"), named("agenda", "linde", "web")}, "audience of app, agenda names it"},
		"its own tokens are for it":      {"", []grant.Party{named("web", "linde", "web")}, ""},
		"those of another platform's":    {"", []grant.Party{named("app", "wilg", "web")}, ""},
		"tokens are for one alike":       {"", []grant.Party{named("app", "linde", "web2", "we")}, ""},
		"tokens of one that is disabled": {"", []grant.Party{{Platform: "linde", ID: "app", Audience: []string{"web"}, DisabledAt: f.Now}}, "audience of app names it"},
	} {
		got, err := DeleteParty(f, platform.Platform{ID: "linde", LoginParty: row.login}, row.all, "web")
		want := Settings{Deleted: "web", Events: []audit.Event{{
			At: f.Now, Platform: "linde", Kind: audit.PartyDeleted, Actor: f.Actor.Name, Party: "web", Outcome: audit.Success,
		}}}
		switch {
		case row.refused == "" && (err != nil || !reflect.DeepEqual(got, want)):
			t.Errorf("%s: %+v, %v", says, got, err)
		case row.refused != "" && (!errors.Is(err, fault.Refused) || !strings.Contains(err.Error(), row.refused) || !reflect.DeepEqual(got, Settings{})):
			t.Errorf("%s: %+v, %v, want %s", says, got, err, row.refused)
		}
	}
}

// What names a party is looked at anew where somebody else changes the settings meanwhile; a dry run changes nothing.
func TestPartyIsDeletedAsTheSettingsAre(t *testing.T) {
	m := &memory{f: facts(account.Active), parties: []grant.Party{{Platform: "linde", ID: "web"}, {Platform: "linde", ID: "app"}}}
	s := &Acts{Store: m, Parties: m, Sealer: clear{}, Actor: Operator("cli test"), Now: m.f.Now}
	if ended, err := s.DeleteParty(t.Context(), "linde", "web", true); err != nil || ended != (grant.Deletion{Grants: 3}) || len(m.deleted) > 0 || len(m.parties) != 2 {
		t.Errorf("dry run: %+v, %v, %+v", ended, err, m.parties)
	}
	m.meanwhile = func() { m.parties[1].Audience = []string{"web"} }
	if _, err := s.DeleteParty(t.Context(), "linde", "web", false); !errors.Is(err, fault.Refused) || len(m.parties) != 2 {
		t.Errorf("named meanwhile: %v, %+v", err, m.parties)
	}
	m.parties[1].Audience, m.loginParty = nil, "web"
	if _, err := s.DeleteParty(t.Context(), "linde", "web", true); !errors.Is(err, fault.Refused) {
		t.Errorf("dry run of one that is named: %v", err)
	}
	m.loginParty = ""
	ended, err := s.DeleteParty(t.Context(), "linde", "web", false)
	if err != nil || ended != (grant.Deletion{Grants: 3, Devices: 1}) || len(m.parties) != 1 || len(m.deleted) != 1 || m.deleted[0].Party != "web" {
		t.Errorf("%+v, %v, %+v, %+v", ended, err, m.parties, m.deleted)
	}
	for on, want := range map[platform.ID]string{"linde": `party web on platform "linde": not found`, "nowhere": `platform "nowhere": not found`} {
		if _, err := s.DeleteParty(t.Context(), on, "web", false); !errors.Is(err, fault.NotFound) || err.Error() != want {
			t.Errorf("again: %v, want %s", err, want)
		}
	}
}
