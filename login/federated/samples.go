package federated

import (
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/ui"
)

const sampleAction = "/login/4xq2m7nkc5vbz3hdtw6ysgjp8r/sso"

var (
	linde = map[string]string{"nl": "GGZ De Linde", "en": "GGZ De Linde"}
	wilg  = map[string]string{"nl": "Wilgenhof"}
)

// samples are the pages in their states.
func samples() map[string][]ui.Sample {
	return map[string][]ui.Sample{"sso": startSamples(), "sso_test": testSamples(), "sso_mail": mailSamples(), "sso_mail_code": mailCodeSamples(), "sso_links": linksSamples(), "sso_unlink": unlinkSamples(), "activity": ui.SampleActivity("activity.by_federated", "activity.by_mail_code")}
}

func startSamples() []ui.Sample {
	one := []choice{{Names: linde, URL: sampleAction + "/to/linde"}}
	two := append(one, choice{Names: wilg, URL: sampleAction + "/to/wilg"})
	trouble := func(key string) startPage {
		return startPage{Action: sampleAction, Cancel: true, Choices: one, About: About{ErrorKey: key, At: linde, Reference: "7KQ4-MXDA", AgainURL: one[0].URL, Hopeless: key == hopeless}}
	}
	all := []ui.Sample{
		{Name: "one", Data: startPage{Action: sampleAction, Cancel: true, Choices: one, Closed: true}},
		{Name: "two", Data: startPage{Action: sampleAction, Cancel: true, Choices: two, Closed: true}},
		{Name: "none for the role", Data: startPage{Action: sampleAction, Cancel: true, Closed: true}},
		{Name: "known elsewhere", Data: startPage{Action: sampleAction, Cancel: true, Question: true, About: About{At: linde}, Label: "e.jansen@linde.example"}},
		{Name: "known elsewhere, may be new", Data: startPage{Action: sampleAction, Cancel: true, Question: true, New: true, About: About{At: linde}, Label: "e.jansen@linde.example"}},
		{Name: "no account is made", Data: startPage{
			Action: sampleAction, Cancel: true, Question: true, Label: "e.jansen@linde.example",
			About: About{ErrorKey: "sso.error_address", At: linde, Reference: "7KQ4-MXDA"},
		}},
		{Name: "nobody waits for it", Data: startPage{About: About{ErrorKey: "sso.error_over", At: linde, Reference: "7KQ4-MXDA"}, HomeURL: "https://linde.example.net/"}},
		{Name: "a logout that does not count", Data: startPage{LoggingOut: true, About: About{ErrorKey: "sso.logout_failed", At: linde, Reference: "7KQ4-MXDA"}, HomeURL: "https://linde.example.net/"}},
	}
	for _, key := range []string{
		"sso.error_denied", "sso.error_cancelled", "sso.error_unreachable", "sso.error_old", "sso.error_no_account", "sso.error_inactive",
		"sso.error_other", "sso.error_technical", "sso.error_no_role", "sso.error_foreign", "sso.error_other_role", "sso.error_already",
		"sso.error_unproven", "sso.error_unverified", "sso.error_closed", "sso.error_settings", "sso.error_clock",
	} {
		all = append(all, ui.Sample{Name: key, Data: trouble(key)})
	}
	return all
}

func mailSamples() []ui.Sample {
	page := mailPage{CodePage: ui.CodePage{Action: sampleAction + "-mail", Cancel: true}, At: linde, Label: "e.jansen@linde.example", Email: "e.jansen@linde.example", Password: true}
	closed, empty := page, page
	closed.Password, empty.Email = false, ""
	return []ui.Sample{
		{Name: "asked", Data: page}, {Name: "no password here", Data: closed},
		{Name: "no address", Data: empty, Errors: []ui.FieldError{{Field: "email", Key: "login.error_email_empty"}}},
	}
}

func mailCodeSamples() []ui.Sample {
	page := mailPage{CodePage: ui.CodePage{Action: sampleAction + "-mail", Cancel: true}, At: linde, Label: "e.jansen@linde.example", Email: "els@example.org"}
	again := page
	again.Again = true
	wrong := func(key string, args ...any) ui.Sample {
		return ui.Sample{Name: key, Data: page, Errors: []ui.FieldError{{Field: "code", Key: key, Args: args}}}
	}
	return []ui.Sample{
		{Name: "sent", Data: page}, {Name: "sent again", Data: again}, wrong("sso_mail.error_wrong"), wrong("sso_mail.error_expired"),
		wrong("sso_mail.error_limit", "n", 23),
	}
}

func linksSamples() []ui.Sample {
	page := linksPage{Action: LinksPath, BackURL: "/settings", HomeURL: "https://linde.example.net/"}
	card := linkCard{Names: linde, Label: "e.jansen@linde.example", AddedAt: time.Date(2027, 2, 3, 9, 0, 0, 0, time.UTC), URL: LinksPath + "/4xq2m7nkc5vbz3hdtw6ysgjp8r"}
	none, one, all := page, page, page
	none.More = []choice{{linde, "linde"}}
	one.Links, one.Notice = []linkCard{card}, "sso.linked_done"
	closed, gone := card, card
	closed.Closed, gone.Closed, gone.Names, gone.Label = true, true, nil, ""
	all.Links, all.More, all.Notice = []linkCard{card, closed, gone}, []choice{{wilg, "wilg"}}, "sso.unlinked_done"
	return []ui.Sample{{Name: "one", Data: one}, {Name: "none", Data: none}, {Name: "several", Data: all}}
}

func unlinkSamples() []ui.Sample {
	page := unlinkPage{Action: LinksPath, At: linde, Label: "e.jansen@linde.example", BackURL: LinksPath, HomeURL: "https://linde.example.net/"}
	only, gone := page, page
	only.Only, gone.At = true, nil
	return []ui.Sample{{Name: "asked", Data: page}, {Name: "the only way in", Data: only}, {Name: "gone", Data: gone}}
}

func testSamples() []ui.Sample {
	all := []ui.Sample{{Name: "done", Data: testPage{At: linde}}, {Name: "done, and old", Data: testPage{At: linde, Old: true}}}
	for reason, detail := range testDetails {
		page := testPage{At: linde, Advice: said(reason).advice, Reason: string(reason), Detail: detail, Reference: "7KQ4-MXDA"}
		all = append(all, ui.Sample{Name: "refused: " + string(reason), Data: page})
	}
	slices.SortFunc(all, func(a, b ui.Sample) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// testDetails are examples of why a test sign-in is refused, one of each sentence.
var testDetails = map[federation.Reason]string{
	federation.Denied:        "status urn:oasis:names:tc:SAML:2.0:status:Responder urn:oasis:names:tc:SAML:2.0:status:AuthnFailed: not assigned",
	federation.Cancelled:     "authorization_endpoint says access_denied: the user declined",
	federation.Unreachable:   "discovery at sso.linde.example: no answer in time",
	federation.Misconfigured: "token_endpoint says invalid_client",
	federation.Interaction:   "authorization_endpoint says consent_required",
	federation.Replayed:      "token_endpoint says invalid_grant",
	federation.BadSignature:  "signed by SHA-256 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:D9 (CN=sso.linde.example, ends 2028-01-01), which is not known; its metadata, an uploaded file, has SHA-256 9D:2D:BC:4C:DB:6B:FA:8A:1A:A9:39:C8:58:E7:77:07:96:26:B5:45:D4:64:F3:83:13:A2:32:C1:51:E0:70:00 (CN=sso.linde.example, ends 2027-01-01)",
	federation.BadAudience:   "Audience is \"https://login.example.net/federation/linde/metadata\"",
	federation.BadTime:       "IssueInstant is 2027-02-03T09:10:00Z, here it is 2027-02-03T09:00:00Z",
	federation.BadForm:       "no NameID",
	federation.StillOld:      "signed in there at 2027-02-03T08:10:00Z, asked for was a new sign-in",
	federation.KeyMissing:    "NameID has format \"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\", wanted is urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
	federation.Drifted:       "one factor, was two",
}
