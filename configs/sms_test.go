package configs

import (
	"errors"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/fault"
)

const (
	kannel = "kind: webhook, url: \"http://127.0.0.1:13013/cgi-bin/sendsms\", format: query, body: \"to={to}&text={text}\""
	report = "0123456789abcdef0123456789abcdef"
)

func TestGatewaysForTextMessages(t *testing.T) {
	if c := load(t, small); c.SMS.First.Kind != "" || len(c.Outbound.Networks()) != 0 {
		t.Errorf("without configuration: %+v", c.SMS)
	}
	for _, sms := range []string{
		"first: {kind: cm, token: hunter2, sender: Login}",
		"first: {kind: spryng, token: hunter2, sender: \"31612345678\", report_secret: " + report + "}, second: {kind: cm, token: hunter2, sender: Login}",
		"first: {kind: twilio, token: hunter2, account: AC1, user: SK1, sender: \"+31612345678\"}",
		"first: {kind: twilio, token: hunter2, account: AC1, sender: MG0123456789abcdef0123456789abcdef}",
		"first: {" + kannel + "}",
		"first: {kind: webhook, url: \"https://sms.example.org/\", format: json, body: \"{}\", authorization: \"Bearer {token}\", token: hunter2, sender: Login}",
	} {
		load(t, small+"sms: {"+sms+"}")
	}
	c := load(t, small+"sms: {first: {kind: cm, sender: Login}}\noutbound: {allow: [10.1.2.3, 192.168.7.9/24]}",
		"IDP_SMS__FIRST__TOKEN_FILE="+write(t, "token", "hunter2\n", 0o600))
	if c.SMS.First.Token.Reveal() != "hunter2" || c.Outbound.Networks()[0].String() != "10.1.2.3/32" || c.Outbound.Networks()[1].String() != "192.168.7.0/24" {
		t.Errorf("%q, %v", c.SMS.First.Token.Reveal(), c.Outbound.Networks())
	}
	load(t, small+"sms: {first: {"+strings.Replace(kannel, "127.0.0.1", "10.1.2.3", 1)+"}}\noutbound: {allow: [10.0.0.0/8]}")
}

func TestGatewaysThatCannotWork(t *testing.T) {
	for sms, want := range map[string]string{
		"second: {kind: cm, token: hunter2, sender: Login}":                                              "sms.first.kind: invalid: missing beside sms.second",
		"first: {token: hunter2}":                                                                        "sms.first.kind: invalid: missing beside the other keys of sms.first",
		"first: {kind: bird, token: hunter2}":                                                            `sms.first.kind: invalid: "bird": cm, spryng, twilio or webhook`,
		"first: {kind: cm, sender: Login}":                                                               "sms.first.token: invalid: missing",
		"first: {kind: cm, token: hunter2}":                                                              `sms.first.sender: invalid: "": at most 11`,
		"first: {kind: cm, token: hunter2, sender: Minddistrict}":                                        `sms.first.sender: invalid: "Minddistrict": at most 11`,
		"first: {kind: cm, token: hunter2, sender: MG0123456789abcdef0123456789abcdef}":                  "sms.first.sender: invalid",
		"first: {kind: cm, token: hunter2, sender: \"Login\\nX\"}":                                       "sms.first.sender: invalid",
		"first: {kind: twilio, token: hunter2, sender: Login}":                                           "sms.first.account: invalid: missing",
		"first: {kind: cm, token: hunter2, sender: Login, url: \"http://gw.example.org/\"}":              "sms.first.url: invalid: https",
		"first: {kind: cm, token: hunter2, sender: Login, url: \"https://idp:hunter2@gw.example.org/\"}": "sms.first.url: invalid: an address such as",
		"first: {kind: cm, token: hunter2, sender: Login, body: x}":                                      "sms.first.format: invalid",
		"first: {kind: webhook, url: \"https://sms.example.org/\", sender: Login}":                       "sms.first.format: invalid",
		"first: {kind: webhook, format: form, body: x}":                                                  "sms.first.url: invalid",
		"first: {" + strings.Replace(kannel, "127.0.0.1", "10.1.2.3", 1) + "}":                           "plain http only to localhost, or to an address in outbound.allow",
		"first: {kind: cm, token: hunter2, sender: Login, report_secret: short}":                         "sms.first.report_secret: invalid: at least 32",
		"first: {kind: cm, token: hunter2, sender: Login, report_secret: \"" + report[1:] + "/\"}":       "sms.first.report_secret: invalid",
		"first: {kind: webhook, url: \"https://sms.example.org/\", format: query, body: \"to={to}&text={text}&dlr-url={report_url}%26status%3D%25d\"}": "sms.first.report_secret: invalid: missing beside {report_url}",
		"first: {kind: webhook, url: \"https://sms.example.org/\", format: json, body: \"{report_url}\"}":                                              "sms.first.report_secret: invalid: missing beside {report_url}",
		"first: {kind: webhook, url: \"https://sms.example.org/\", format: form, body: \"text={text}\", authorization: \"{report_url}\"}":              "sms.first.report_secret: invalid: missing beside {report_url}",
		"first: {kind: cm, token: hunter2, sender: Login}, second: {kind: spryng, token: hunter2, sender: a-b-c}":                                      "sms.second.sender: invalid",
	} {
		_, err := Load(write(t, "idp.yaml", small+"sms: {"+sms+"}", 0o600), nil)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s\ngot  %v\nwant %s", sms, err, want)
		}
	}
	load(t, small+"sms: {first: {kind: webhook, url: \"https://sms.example.org/\", format: query, body: \"u={report_url}%26status%3D%25d\", report_secret: "+report+"}}")
	for _, networks := range []string{"[\"0.0.0.0/0\"]", "[10.0.0.0/33]", "[sms.example.org]"} {
		_, err := Load(write(t, "idp.yaml", small+"outbound: {allow: "+networks+"}", 0o600), nil)
		if err == nil || !strings.Contains(err.Error(), "outbound.allow: invalid") {
			t.Errorf("%s: %v", networks, err)
		}
	}
}
