package qr_test

import (
	"net/http"
	"net/url"
	"path"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/phone"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/staff"
)

// read takes the code on a page apart.
func (m *mobile) read(b *idptest.Browser) (id, reference string) {
	m.Helper()
	text, err := idptest.QRCode(b)
	if err != nil {
		m.Fatal(err)
	}
	_, reference, err = phone.ParseQR(text, []string{idptest.HostIssuer})
	if err != nil {
		m.Fatalf("%s: %v", text, err)
	}
	return path.Base(b.URL.Path), reference
}

// TestCodeThatNobodyClaimedIsRefused: whatever ends it before a phone scans it ends it at both nodes, and one that is
// refused is not spent for the right phone.
func TestCodeThatNobodyClaimedIsRefused(t *testing.T) {
	t.Parallel()
	acts := func(m *mobile, act func(*staff.Acts) error) {
		m.Helper()
		if err := act(m.nodes[1].Tools().Acts()); err != nil {
			m.Fatal(err)
		}
	}
	anna := staff.ByAddress("anna@example.org")
	press := func(m *mobile, b *idptest.Browser, page, key string) {
		m.Helper()
		b.MustOpen(m, idptest.HostIssuer+page)
		b.MustPress(m, idptest.Text("en", key))
	}
	rows := map[string]struct {
		before func(m *mobile, d *screen)                         // nil: nothing happens
		claim  func(m *mobile, h *handset, reference string) told // of somebody or something else, for whom it is not spent
		code   string                                             // empty: it is taken
	}{
		"in its last second": {before: func(m *mobile, _ *screen) { m.later(grant.ReferenceLife - time.Second) }},
		"after 60 seconds":   {before: func(m *mobile, _ *screen) { m.later(grant.ReferenceLife) }, code: "invalid_grant"},
		"after its hour":     {before: func(m *mobile, _ *screen) { m.later(time.Hour) }, code: "invalid_grant"},
		"replaced by another": {before: func(m *mobile, d *screen) {
			press(m, d.b.Tab(), "/settings/app", "qr.show")
		}, code: "invalid_grant"},
		"after logging out": {before: func(m *mobile, d *screen) {
			press(m, d.b.Tab(), "/logout", "logout.submit")
		}, code: "invalid_grant"},
		"after another browser logged out everywhere": {before: func(m *mobile, d *screen) {
			b := idptest.NewBrowser(m.nodes[1].Server, "en")
			d.signIn(b)
			press(m, b, "/settings/devices", "devices.logout_all")
		}, code: "invalid_grant"},
		"after this browser logged out everywhere else": {before: func(m *mobile, d *screen) {
			press(m, d.b.Tab(), "/settings/devices", "devices.logout_all")
		}, code: "invalid_grant"},
		"after staff ended the sessions": {before: func(m *mobile, _ *screen) {
			acts(m, func(a *staff.Acts) error {
				return a.EndSessions(m.Context(), "linde", anna, staff.Justification{Reason: staff.Suspicion})
			})
		}, code: "invalid_grant"},
		"after the account was deactivated": {before: func(m *mobile, _ *screen) {
			acts(m, func(a *staff.Acts) error {
				return a.Deactivate(m.Context(), "linde", anna, staff.Justification{Reason: staff.Left})
			})
		}, code: "invalid_grant"},
		"where codes are not offered any more": {before: func(m *mobile, _ *screen) {
			closed := appHouse("linde")
			closed.Policy = "app_qr: false"
			m.nodes[1].Declare(closed)
		}, code: "invalid_grant"},
		"by a second phone": {before: func(m *mobile, d *screen) {
			_, reference := m.read(d.b)
			if a := m.blank(idptest.HostIssuer).claim(1, reference); a.Handoff == "" {
				m.Fatalf("the first phone: %d %s", a.Status, a.Body)
			}
		}, code: "invalid_grant"},
		"by the app of another platform": {claim: func(m *mobile, _ *handset, reference string) told {
			return m.blank(idptest.PathIssuer).claim(0, reference)
		}, code: "invalid_grant"},
		"by a party that is no app": {claim: func(m *mobile, h *handset, reference string) told {
			header := idptest.Basic("web")
			header.Set("Dpop", h.signed(h.proof(0, http.MethodPost, "/app/handoff", "")))
			form := claimForm(reference)
			form.Set("client_id", "web")
			return h.plain(0, http.MethodPost, "/app/handoff", form.Encode(), header)
		}, code: "invalid_client"},
		"without a proof": {claim: func(_ *mobile, h *handset, reference string) told {
			return h.plain(1, http.MethodPost, "/app/handoff", claimForm(reference).Encode(), nil)
		}, code: "invalid_dpop_proof"},
		"with an old nonce": {claim: func(m *mobile, h *handset, reference string) told {
			p := h.proof(0, http.MethodPost, "/app/handoff", "")
			p.Nonce = ""
			return h.send(0, "/app/handoff", p, claimForm(reference))
		}, code: "use_dpop_nonce"},
		"one bit off": {claim: func(_ *mobile, h *handset, reference string) told {
			last := map[bool]string{true: "Q", false: "A"}[reference[41] == 'A']
			return h.claim(0, reference[:41]+last+reference[42:])
		}, code: "invalid_grant"},
		"of nobody": {claim: func(_ *mobile, h *handset, _ string) told {
			return h.claim(0, secret.Token())
		}, code: "invalid_grant"},
	}
	mobiles(t, func(m *mobile) {
		for name, row := range rows {
			m.TB.(*testing.T).Run(name, func(t *testing.T) {
				m := &mobile{TB: t, nodes: m.nodes}
				d := m.shows()
				d.b.MustPress(m, idptest.Text("en", "qr.show"))
				id, reference := m.read(d.b)
				h := m.blank(idptest.HostIssuer)
				if row.before != nil {
					row.before(m, d)
				}
				alive := row.code == "" || row.claim != nil
				if row.claim != nil {
					if a := row.claim(m, h, reference); !a.is(row.code) || a.Handoff != "" || a.Number != 0 {
						m.Errorf("answered %d %s, want %s", a.Status, a.Body, row.code)
					}
				}
				a := h.claim(1, reference)
				if alive != (a.Handoff != "") || !alive && !a.is("invalid_grant") {
					m.Errorf("the right phone is answered %d %s, want it taken: %t", a.Status, a.Body, alive)
				}
				if a := h.claim(0, reference); !a.is("invalid_grant") {
					m.Errorf("the second time: %d %s", a.Status, a.Body)
				}
				claimed := m.nodes[0].Count("handoffs WHERE id = '" + id + "' AND jkt = '" + h.jkt + "'")
				if want := map[bool]int{true: 1}[alive]; claimed != want {
					m.Errorf("claimed by this phone %d times, want %d", claimed, want)
				}
				m.later(time.Hour) // the next one may be made
				m.nodes[0].Declare(appHouse("linde"), appHouse("wilg"))
				m.nodes[0].Exec("UPDATE accounts SET state = 'active'")
			})
		}
		if n := m.nodes[0].Count("app_devices"); n != 0 {
			m.Errorf("%d devices", n)
		}
	})
}

func claimForm(reference string) url.Values {
	return url.Values{
		"client_id": {"app"}, "reference": {reference}, "code_challenge": {idptest.Challenge}, "code_challenge_method": {"S256"},
		"device_name": {"Phone"},
	}
}
