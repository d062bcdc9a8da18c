package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/minddistrict/idp/internal/web"
)

// What browsers say of a request, by what made them send it.
func TestActivityIsWhatAPersonDoes(t *testing.T) {
	fetch := func(site, mode, dest string) map[string]string {
		return map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
	}
	with := func(header map[string]string, name, value string) map[string]string {
		header[name] = value
		return header
	}
	for says, row := range map[string]struct {
		header map[string]string
		want   bool
	}{
		"an address that was typed":           {fetch("none", "navigate", "document"), true},
		"a link of ours":                      {fetch("same-origin", "navigate", "document"), true},
		"a script of ours":                    {fetch("same-origin", "cors", "empty"), true},
		"a link of a sibling host":            {fetch("same-site", "navigate", "document"), true},
		"a platform that sends a person":      {fetch("cross-site", "navigate", "document"), true},
		"… by a press":                        {with(fetch("cross-site", "navigate", "document"), "Sec-Fetch-User", "?1"), true},
		"fetch of a sibling host":             {fetch("same-site", "cors", "empty"), false},
		"fetch of a sibling host, no-cors":    {fetch("same-site", "no-cors", "empty"), false},
		"a picture of a sibling host":         {fetch("same-site", "no-cors", "image"), false},
		"a script tag of a sibling host":      {fetch("same-site", "no-cors", "script"), false},
		"a style sheet of a sibling host":     {fetch("same-site", "no-cors", "style"), false},
		"a frame of a sibling host":           {fetch("same-site", "navigate", "iframe"), false},
		"an old frame of a sibling host":      {fetch("same-site", "navigate", "frame"), false},
		"an object of a sibling host":         {fetch("same-site", "navigate", "object"), false},
		"an embed of a sibling host":          {fetch("same-site", "navigate", "embed"), false},
		"fetch of another site":               {fetch("cross-site", "no-cors", "empty"), false},
		"a frame of another site":             {fetch("cross-site", "navigate", "iframe"), false},
		"nothing but a sibling":               {map[string]string{"Sec-Fetch-Site": "same-site"}, false},
		"nothing but another site":            {map[string]string{"Sec-Fetch-Site": "cross-site"}, false},
		"… that says it goes to a page":       {map[string]string{"Sec-Fetch-Site": "same-site", "Upgrade-Insecure-Requests": "1"}, false},
		"made up":                             {fetch("x", "navigate", "x"), false},
		"fetched before anybody wants it":     {with(fetch("none", "navigate", "document"), "Sec-Purpose", "prefetch;prerender"), false},
		"… by a page of ours":                 {with(fetch("same-origin", "no-cors", "empty"), "Sec-Purpose", "prefetch"), false},
		"… in the older way":                  {with(fetch("same-site", "navigate", "document"), "Purpose", "prefetch"), false},
		"an old browser goes to a page":       {map[string]string{"Upgrade-Insecure-Requests": "1"}, true},
		"an old browser, before it is wanted": {map[string]string{"Upgrade-Insecure-Requests": "1", "X-Moz": "prefetch"}, false},
		"an old browser, fetch":               {map[string]string{"Origin": "https://x.id.test", "Accept": "*/*"}, false},
		"an old browser, fetch of HTML":       {map[string]string{"Accept": "text/html"}, false},
		"an old browser, a picture":           {map[string]string{"Accept": "image/*", "Referer": "https://x.id.test/"}, false},
		"nothing said":                        {nil, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/settings", nil)
		for name, value := range row.header {
			r.Header.Set(name, value)
		}
		if got := web.Activity(r); got != row.want {
			t.Errorf("%s is activity: %t, want %t: %s", says, got, row.want, fmt.Sprint(row.header))
		}
	}
}
