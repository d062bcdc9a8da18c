package login_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
)

const phoneKey = "C2pU1xlqs--HZFrSxZTgsecnBbqafcpMiT3sz3qS1Dk"

// openMobile signs in at the mobile app, with a key.
func openMobile(t *testing.T, v visit, key string) *idptest.Browser {
	t.Helper()
	b := idptest.NewBrowser(v.Server, "en")
	b.MustOpen(t, ownIssuer+"/authorize?"+url.Values{
		"client_id": {"mobile"}, "redirect_uri": {"net.example.mobile:/callback"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, "dpop_jkt": {key},
	}.Encode())
	b.MustFill(t, idptest.Text("en", "login.email"), "anna@example.org")
	b.MustFill(t, idptest.Text("en", "login.password"), idptest.Password)
	_ = b.Press(idptest.Text("en", "login.submit")) // may lead to the app, which no browser here knows
	return b
}

// chosen are the devices that codes of the mobile app make room for.
func chosen(t *testing.T, v visit) (all string) {
	t.Helper()
	err := v.DB.SQL().QueryRowContext(t.Context(), "SELECT COALESCE(group_concat(displaces, ' '), '') FROM grants WHERE party = 'mobile'").Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What makes room is a device of the same account that is there now; the device that asks is none of the others.
func TestOnlyAnOwnDeviceThatIsThereMakesRoom(t *testing.T) {
	v := withApp(newVisit(t))
	anna, other := idptest.Account(t, v.DB, "anna@example.org"), idptest.Account(t, v.DB, "bram@example.org")
	mobile := func(d *grant.Device) { d.Party = "mobile" }
	of := map[string]grant.Device{}
	for _, name := range []string{"one", "two", "three", "four", "five"} {
		of[name] = idptest.Device(t, v.DB, anna, name, v.Clock.Now(), mobile)
		v.Clock.Later(time.Second)
	}
	brams := idptest.Device(t, v.DB, other, "brams", v.Clock.Now(), mobile)
	b := openMobile(t, v, phoneKey)
	b.MustBeAt(t, "/room")
	if text := idptest.Visible(b.Doc); strings.Contains(text, "brams") || !strings.Contains(text, "five") {
		t.Error(text)
	}
	form, action, err := b.Form(b.Button(idptest.Text("en", "common.continue")))
	if err != nil {
		t.Fatal(err)
	}
	post := func(device grant.DeviceID) {
		form.Set("remove", string(device))
		_ = b.Twice(form, action) // may lead to the app
	}
	if _, err := v.DB.SQL().ExecContext(t.Context(), "UPDATE app_devices SET ended_at = 1 WHERE id = $1", string(of["two"].ID)); err != nil {
		t.Fatal(err)
	}
	idptest.Device(t, v.DB, anna, "six", v.Clock.Now(), mobile)
	for _, device := range []grant.DeviceID{"", brams.ID, of["two"].ID, "nonsense"} {
		post(device)
		sees(t, b, idptest.Text("en", "room.error"))
		if got := chosen(t, v); got != "" {
			t.Fatalf("%q: a code for %q", device, got)
		}
	}
	post(of["three"].ID)
	if got := chosen(t, v); got != string(of["three"].ID) {
		t.Errorf("a code for %q", got)
	}
}

// The device that asks again is renewed: nothing is asked.
func TestDeviceThatIsRenewedNeedsNoRoom(t *testing.T) {
	v := withApp(newVisit(t))
	anna := idptest.Account(t, v.DB, "anna@example.org")
	for i := range 5 {
		idptest.Device(t, v.DB, anna, "phone", v.Clock.Now(), func(d *grant.Device) {
			if d.Party = "mobile"; i == 0 {
				d.JKT = phoneKey
			}
		})
	}
	b := openMobile(t, v, phoneKey)
	var codes int
	err := v.DB.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM grants WHERE party = 'mobile' AND displaces = ''").Scan(&codes)
	if err != nil || codes != 1 {
		t.Errorf("%d codes, %v: %s", codes, err, idptest.Visible(b.Doc))
	}
}
