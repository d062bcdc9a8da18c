package main_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const gatewaySecret = "0123456789abcdef0123456789abcdef"

// TestACodeGoesThroughTheSecondGateway: the first one is away; what became of the message is reported, and counted.
func TestACodeGoesThroughTheSecondGateway(t *testing.T) {
	onBoth(t, func(t *testing.T, i *install) {
		var tried atomic.Int32
		taken := make(chan url.Values, 10)
		first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			tried.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
		}))
		defer first.Close()
		second := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			form, err := url.ParseQuery(string(body))
			if err != nil || r.Header.Get("Authorization") != "Bearer hunter2" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			taken <- form
		}))
		defer second.Close()
		configured := i.with(
			"IDP_SMS__FIRST__KIND=cm", "IDP_SMS__FIRST__URL="+first.URL, "IDP_SMS__FIRST__SENDER=Login", "IDP_SMS__FIRST__TOKEN=hunter2",
			"IDP_SMS__SECOND__KIND=webhook", "IDP_SMS__SECOND__URL="+second.URL, "IDP_SMS__SECOND__FORMAT=form", "IDP_SMS__SECOND__AUTHORIZATION=Bearer {token}",
			"IDP_SMS__SECOND__BODY=to={to}&text={text}&report={report_url}", "IDP_SMS__SECOND__TOKEN_FILE="+i.File("token", "hunter2\n"),
			"IDP_SMS__SECOND__REPORT_SECRET="+gatewaySecret, "IDP_OUTBOUND__ALLOW=127.0.0.1",
		)
		configured.with("IDP_SMS__SECOND__BODY=to={nummer}&text={text}").refused(1, "sms.second: invalid: {nummer} in the template", "config", "check")
		configured.OK("config", "check")
		configured.setUp()
		configured.OK("apply", i.File("anna.yaml", strings.Replace(`platforms:
  - name: linde
    issuer: ISSUER
    organisation: GGZ De Linde
    home_url: https://linde.example.net
    policy: { second_factor: { client: optional }, sms_per_day: 7 }
    accounts:
      - { email: anna@example.org, phone_for_codes: "+31612345678" }
`, "ISSUER", i.issuer, 1)))
		if out := configured.OK("sms", "usage", "--platform", "linde"); out != "0 of 7 messages, 7 left\n" {
			t.Errorf("before: %q", out)
		}
		server := configured.serve()
		v := i.visitor()
		v.open(http.MethodGet, i.authorize("linde-web", ""), nil)
		v.submit(url.Values{"email": {"anna@example.org"}, "password": {annasWords}, "do": {"continue"}})
		var message url.Values
		select {
		case message = <-taken:
		case <-time.After(10 * time.Second):
			t.Fatalf("no message:\n%s", server.Log)
		}
		code, _, _ := strings.Cut(message.Get("text"), " ")
		if message.Get("to") != "+31612345678" || tried.Load() != 1 {
			t.Errorf("message %v, the first gateway was tried %d times", message, tried.Load())
		}
		v.submit(url.Values{"code": {code}, "do": {"continue"}})
		if v.back.Get("code") == "" {
			t.Errorf("the code leads to %s (%d): %s", v.page, v.status, v.body)
		}

		type usage struct {
			Queued, Allowed, Left int
			Until                 string
			Messages              []struct {
				Outcome, Reason string
				N               int
			} `json:"last_24_hours"`
		}
		reported := func(reason string) func() bool {
			return func() bool {
				var u usage
				configured.read(&u, "sms", "usage", "--platform", "linde")
				return u.Queued == 1 && u.Allowed == 7 && u.Left == 6 && u.Until != "" && len(u.Messages) == 1 && u.Messages[0].Outcome == "sent" && u.Messages[0].Reason == reason
			}
		}
		server.Soon(5*time.Second, "counted", reported(""))
		report := message.Get("report")
		if !strings.HasPrefix(report, i.issuer+"/sms/report/second/"+gatewaySecret+"?ref=") {
			t.Fatalf("report to %s", report)
		}
		for _, wrong := range []string{
			strings.Replace(report, gatewaySecret, strings.Repeat("0", 32), 1), strings.Replace(report, "/second/", "/first/", 1),
			strings.Replace(report, "/"+gatewaySecret, "", 1), strings.Replace(report, "/second/", "/third/", 1), strings.Replace(report, gatewaySecret, gatewaySecret+"/x", 1),
		} {
			if status, _, _ := get(t, wrong+"&status=delivered"); status != http.StatusNotFound {
				t.Errorf("%s: %d", wrong, status)
			}
		}
		for _, known := range []string{report + "&status=sent", strings.Split(report, "?")[0] + "?ref=nobody&status=delivered", report[:len(report)-1] + "&status=delivered", report} {
			if status, _, _ := get(t, known); status != http.StatusNoContent {
				t.Errorf("%s: %d", known, status)
			}
		}
		if !reported("")() {
			t.Error("something was kept that says nothing final, or comes from a stranger")
		}
		if status, _, _ := do(t, request(t, http.MethodPost, report, url.Values{"status": {"undelivered"}})); status != http.StatusNoContent || !reported("undelivered")() {
			t.Errorf("a report: %d", status)
		}
		if out := configured.OK("sms", "usage", "--platform", "linde"); !strings.HasPrefix(out, "1 of 7 messages, 6 left until ") || !strings.HasSuffix(out, "\nIn the last 24 hours:\n       1  sent undelivered\n") {
			t.Errorf("afterwards: %q", out)
		}
		configured.refused(1, "platform els: not found", "sms", "usage", "--platform", "els")
		for _, hidden := range []string{"hunter2", gatewaySecret, "612345678", code + " "} {
			if strings.Contains(server.Log.String(), hidden) {
				t.Errorf("the log shows %s:\n%s", hidden, server.Log)
			}
		}
		if !strings.Contains(server.Log.String(), "gateway takes no text messages") {
			t.Errorf("the log does not say that the first gateway was away:\n%s", server.Log)
		}
	})
}
