package grant_test

import (
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/platform"
)

func TestLoginParty(t *testing.T) {
	party := func(id grant.PartyID, change func(*grant.Party)) *grant.Party {
		p := &grant.Party{ID: id, Type: grant.Web, InitiateURI: "https://linde.example.net/login"}
		if change != nil {
			change(p)
		}
		return p
	}
	web, agenda := party("web", nil), party("agenda", nil)
	for _, row := range []struct {
		says    string
		named   string
		parties []*grant.Party
		want    grant.PartyID
	}{
		{says: "no party"},
		{says: "the only one", parties: []*grant.Party{web}, want: "web"},
		{says: "two, none named", parties: []*grant.Party{web, agenda}},
		{says: "two, one named", named: "agenda", parties: []*grant.Party{web, agenda}, want: "agenda"},
		{says: "the only one where a login begins", parties: []*grant.Party{web, party("b", func(p *grant.Party) { p.InitiateURI = "" })}, want: "web"},
		{says: "the only one of its own", parties: []*grant.Party{web, party("b", func(p *grant.Party) { p.ThirdParty = true })}, want: "web"},
		{says: "the only one that is not disabled", parties: []*grant.Party{web, party("b", func(p *grant.Party) { p.DisabledAt = time.Unix(1, 0) })}, want: "web"},
		{says: "the only one in a browser", parties: []*grant.Party{
			web, party("b", func(p *grant.Party) { p.Type = grant.Native }), party("c", func(p *grant.Party) { p.Type = grant.Service }),
		}, want: "web"},
		{says: "in the browser alone", parties: []*grant.Party{party("b", func(p *grant.Party) { p.Type = grant.SPA })}, want: "b"},
		{says: "an app only", parties: []*grant.Party{party("b", func(p *grant.Party) { p.Type = grant.Native })}},
		{says: "the named one is gone", named: "gone", parties: []*grant.Party{web}, want: "web"},
		{says: "the named one is disabled", named: "b", parties: []*grant.Party{
			web, party("b", func(p *grant.Party) { p.DisabledAt = time.Unix(1, 0) }),
		}, want: "web"},
		{says: "the named one is not its own", named: "b", parties: []*grant.Party{
			web, agenda, party("b", func(p *grant.Party) { p.ThirdParty = true }),
		}},
	} {
		all := map[grant.PartyID]*grant.Party{}
		for _, p := range row.parties {
			all[p.ID] = p
		}
		got := grant.LoginParty(&platform.Platform{LoginParty: row.named}, all)
		if got == nil && row.want != "" || got != nil && got.ID != row.want {
			t.Errorf("%s: %v, want %q", row.says, got, row.want)
		}
	}
}
