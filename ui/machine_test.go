package ui_test

import (
	"testing"

	"github.com/minddistrict/idp/ui"
)

func TestMachineHasTheNamesPeopleKnow(t *testing.T) {
	const webkit = "AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]ui.Machine{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                          {Browser: "Firefox", System: "Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/142.0.0.0 Safari/537.36":                                                    {Browser: "Chrome", System: "Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":                                      {Browser: "Edge", System: "Windows"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webkit + "Chrome/142.0.0.0 Safari/537.36 OPR/125.0.0.0":                                      {Browser: "Opera", System: "Windows"},
		"Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko":                                                                      {Browser: "Internet Explorer", System: "Windows"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15":                     {Browser: "Safari", System: "Mac/iPad"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142 Version/11.1.1 Safari/605.1.15":         {Browser: "Chrome", System: "iPad"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1":   {Browser: "Safari", System: "iPhone"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/145.0 Mobile/15E148 Safari/605.1.15": {Browser: "Firefox", System: "iPhone"},
		"Mozilla/5.0 (iPad; CPU OS 15_8 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.6 Mobile/15E148 Safari/604.1":            {Browser: "Safari", System: "iPad"},
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "Chrome/142.0.0.0 Mobile Safari/537.36":                                                    {Browser: "Chrome", System: "Android"},
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36":                                {Browser: "Samsung Internet", System: "Android"},
		"Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0":                                                                      {Browser: "Firefox", System: "Android"},
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0.0.0":                                     {Browser: "Edge", System: "Android"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + webkit + "Chrome/142.0.0.0 Safari/537.36":                                                     {Browser: "Chrome", System: "ChromeOS"},
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                            {Browser: "Firefox", System: "Linux"},
		"Mozilla/5.0 (Linux; Android 10; K) " + webkit + "Version/4.0 Chrome/142.0.0.0 Mobile DuckDuckGo/5 Safari/537.36":                           {Browser: "DuckDuckGo", System: "Android"},
		"curl/8.14.1": {}, "": {}, "<script>alert(1)</script>": {},
	} {
		if got := ui.MachineOf(agent); got != want {
			t.Errorf("%s: got %+v, want %+v", agent, got, want)
		}
	}
}

// Whatever a browser says of itself, a page shows words of ours.
func FuzzMachine(f *testing.F) {
	f.Add("Mozilla/5.0 (Windows NT 10.0; rv:145.0) Gecko/20100101 Firefox/145.0")
	f.Add("Safari/ <b>Macintosh iOS/")
	f.Fuzz(func(t *testing.T, agent string) {
		if m := ui.MachineOf(agent); m.Known() != m {
			t.Errorf("%q: %+v", agent, m)
		}
	})
}
