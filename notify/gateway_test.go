package notify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/outbound"
	"github.com/minddistrict/idp/notify"
)

const reportSecret = "0123456789abcdef0123456789abcdef"

var (
	local = outbound.NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	text  = notify.Text{ID: "4kxwf63w4unu4nwj3hoyrzw3vx", To: "+31612345678", Body: "014874 is je code \"X\" & 5%.\n@h #014874", Code: "014874", Origin: "https://login.linde.test"}
)

// asked is a request as the other side saw it.
type asked struct {
	Method, Path, Query, Type, Authorization, Body string
}

// other answers as a gateway would, and keeps what it was asked.
type other struct {
	*httptest.Server
	got    asked
	status int
	answer string
	hang   chan struct{} // not nil: it does not answer until this is closed
}

func newOther(t *testing.T) *other {
	o := &other{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.hang != nil {
			<-o.hang
			return
		}
		body, _ := io.ReadAll(r.Body)
		o.got = asked{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Header.Get("Authorization"), string(body)}
		w.WriteHeader(o.status)
		_, _ = io.WriteString(w, o.answer)
	}))
	t.Cleanup(o.Close)
	return o
}

func gateway(t *testing.T, a notify.GatewayAccount) notify.Reporter {
	t.Helper()
	a.Name, a.Token, a.ReportSecret = "first", "hunter2", reportSecret
	if a.Client == nil {
		a.Client = local
	}
	g, err := notify.NewGateway(a)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGatewaysAreAskedAsTheyDocument compares every part of the requests.
func TestGatewaysAreAskedAsTheyDocument(t *testing.T) {
	o := newOther(t)
	callback := url.QueryEscape("https://login.linde.test/sms/report/first/" + reportSecret + "?ref=" + text.ID)
	for name, c := range map[string]struct {
		account notify.GatewayAccount
		status  int
		answer  string
		want    asked
	}{
		"CM.com": {
			notify.GatewayAccount{Kind: "cm", URL: o.URL + "/v1.0/message", Sender: "Login"}, 200,
			`{"details":"Created 1 message(s)","errorCode":0,"messages":[{"to":"0031612345678","status":"Accepted","reference":"x","parts":1,"messageDetails":null,"messageErrorCode":0}]}`,
			asked{Method: "POST", Path: "/v1.0/message", Type: "application/json",
				Body: `{"messages":{"authentication":{"producttoken":"hunter2"},"msg":[{"allowedChannels":["SMS"],"body":{"content":"014874 is je code \"X\" & 5%.\n@h #014874","type":"auto"},"from":"Login","maximumNumberOfMessageParts":1,"minimumNumberOfMessageParts":1,"reference":"4kxwf63w4unu4nwj3hoyrzw3vx","to":[{"number":"0031612345678"}]}]}}`},
		},
		"Spryng": {
			notify.GatewayAccount{Kind: "spryng", URL: o.URL + "/v1/messages", Sender: "Login"}, 200, `{"id":"9dbc5ffb-7524-4fae-9514-51decd94a44f"}`,
			asked{Method: "POST", Path: "/v1/messages", Type: "application/json", Authorization: "Bearer hunter2",
				Body: `{"body":"014874 is je code \"X\" & 5%.\n@h #014874","encoding":"plain","originator":"Login","recipients":["31612345678"],"reference":"4kxwf63w4unu4nwj3hoyrzw3vx","route":"business"}`},
		},
		"Twilio": {
			notify.GatewayAccount{Kind: "twilio", URL: o.URL, Account: "AC123", User: "SK456", Sender: "+3197010203040"}, 201, `{"sid":"SM1","status":"queued"}`,
			asked{Method: "POST", Path: "/2010-04-01/Accounts/AC123/Messages.json", Type: "application/x-www-form-urlencoded", Authorization: "Basic U0s0NTY6aHVudGVyMg==",
				Body: "Body=014874+is+je+code+%22X%22+%26+5%25.%0A%40h+%23014874&From=%2B3197010203040&StatusCallback=" + callback + "&To=%2B31612345678"},
		},
		"Twilio, messaging service and the account's own token": {
			notify.GatewayAccount{Kind: "twilio", URL: o.URL, Account: "AC123", Sender: "MG0123456789abcdef0123456789abcdef"}, 201, `{"sid":"SM1"}`,
			asked{Method: "POST", Path: "/2010-04-01/Accounts/AC123/Messages.json", Type: "application/x-www-form-urlencoded", Authorization: "Basic QUMxMjM6aHVudGVyMg==",
				Body: "Body=014874+is+je+code+%22X%22+%26+5%25.%0A%40h+%23014874&MessagingServiceSid=MG0123456789abcdef0123456789abcdef&StatusCallback=" + callback + "&To=%2B31612345678"},
		},
		"webhook, JSON": {
			notify.GatewayAccount{Kind: "webhook", URL: o.URL + "/send", Sender: "Login", Format: "json", Body: `{"to": "{to}", "n": "{number}", "text": "{text}", "from": "{sender}", "ref": "{reference}"}`, Authorization: "Bearer {token}"}, 202, ``,
			asked{Method: "POST", Path: "/send", Type: "application/json", Authorization: "Bearer hunter2",
				Body: `{"from":"Login","n":"31612345678","ref":"4kxwf63w4unu4nwj3hoyrzw3vx","text":"014874 is je code \"X\" & 5%.\n@h #014874","to":"+31612345678"}`},
		},
		"webhook, form": {
			notify.GatewayAccount{Kind: "webhook", URL: o.URL + "/send?v=2", Format: "form", Body: "to={to}&text={text}&key={token}"}, 200, `ok`,
			asked{Method: "POST", Path: "/send", Query: "v=2", Type: "application/x-www-form-urlencoded", Body: "to=%2B31612345678&text=014874+is+je+code+%22X%22+%26+5%25.%0A%40h+%23014874&key=hunter2"},
		},
		"webhook, query": {
			notify.GatewayAccount{Kind: "webhook", URL: o.URL + "/send?v=2", Format: "query", Body: "to={number}&text={text}&dlr={report_url}%26status%3D%25d"}, 202, `0: Accepted for delivery`,
			asked{Method: "GET", Path: "/send", Query: "v=2&to=31612345678&text=014874+is+je+code+%22X%22+%26+5%25.%0A%40h+%23014874&dlr=" + callback + "%26status%3D%25d"},
		},
	} {
		o.status, o.answer = c.status, c.answer
		if err := gateway(t, c.account).SendText(t.Context(), text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if o.got.Type == "application/json" { // the order of members is nobody's business
			var v any
			if err := json.Unmarshal([]byte(o.got.Body), &v); err != nil {
				t.Errorf("%s: %v in %s", name, err, o.got.Body)
			}
			var sorted strings.Builder
			e := json.NewEncoder(&sorted)
			e.SetEscapeHTML(false)
			_ = e.Encode(v) // it was JSON
			o.got.Body = strings.TrimSpace(sorted.String())
		}
		if o.got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, o.got, c.want)
		}
	}
}

// TestAnswersOfGateways: refused is for good, unavailable lets another gateway try, anything else lets this message wait.
func TestAnswersOfGateways(t *testing.T) {
	o := newOther(t)
	accounts := map[string]notify.GatewayAccount{
		"cm": {Kind: "cm", URL: o.URL}, "spryng": {Kind: "spryng", URL: o.URL}, "twilio": {Kind: "twilio", URL: o.URL, Account: "AC1"},
		"webhook": {Kind: "webhook", URL: o.URL, Format: "form", Body: "to={to}&text={text}"},
	}
	const refused, unavailable, later, misunderstood = "refused", "unavailable", "not now", "not understood"
	for _, c := range []struct {
		kind   string
		status int
		answer string
		want   string
	}{
		{"cm", 400, `{"details":"Invalid number","errorCode":303,"messages":[]}`, refused},
		{"cm", 400, `{"errorCode":201,"messages":[{"to":"0031","status":"Rejected","messageErrorCode":302}]}`, refused},
		{"cm", 400, `{"errorCode":201,"messages":[{"messageErrorCode":402}]}`, refused},
		{"cm", 401, `{"errorCode":101}`, unavailable},
		{"cm", 200, `{"errorCode":102}`, unavailable},
		{"cm", 400, `{"errorCode":205}`, misunderstood},
		{"cm", 200, `{"errorCode":205}`, later},
		{"cm", 200, `<html>`, unavailable},
		{"cm", 500, `{"errorCode":500}`, unavailable},
		{"cm", 503, ``, unavailable},
		{"spryng", 401, `{"message":"Unauthenticated."}`, unavailable},
		{"spryng", 402, ``, unavailable},
		{"spryng", 422, `{"message":"The given data was invalid.","errors":{"recipients.0":["The recipients.0 is invalid."]}}`, refused},
		{"spryng", 422, `{"message":"The given data was invalid.","errors":{"originator":["The originator may not be greater than 11 characters."]}}`, misunderstood},
		{"spryng", 429, ``, unavailable},
		{"spryng", 302, ``, unavailable},
		{"twilio", 400, `{"code":21211,"message":"The 'To' number is not a valid phone number.","status":400}`, refused},
		{"twilio", 400, `{"code":21614,"status":400}`, refused},
		{"twilio", 400, `{"code":21610,"status":400}`, refused},
		{"twilio", 400, `{"code":21606,"status":400}`, misunderstood},
		{"twilio", 401, `{"code":20003,"status":401}`, unavailable},
		{"twilio", 502, `bad gateway`, unavailable},
		{"webhook", 422, ``, refused},
		{"webhook", 400, `missing`, misunderstood},
		{"webhook", 413, ``, misunderstood},
		{"webhook", 409, ``, later},
		{"webhook", 423, ``, later},
		{"webhook", 425, ``, later},
		{"webhook", 403, `Authorization failed for sendsms`, unavailable},
		{"webhook", 503, `Temporal failure`, unavailable},
	} {
		o.status, o.answer = c.status, c.answer
		err := gateway(t, accounts[c.kind]).SendText(t.Context(), text)
		got := "sent"
		switch {
		case errors.Is(err, fault.Refused):
			got = refused
		case errors.Is(err, fault.Unavailable):
			got = unavailable
		case err != nil:
			got, _, _ = strings.Cut(err.Error(), ":")
		}
		if got != c.want {
			t.Errorf("%s %d %s: %s (%v), want %s", c.kind, c.status, c.answer, got, err, c.want)
		}
		for _, hidden := range []string{"hunter2", "612345678", "014874"} {
			if err != nil && strings.Contains(err.Error(), hidden) {
				t.Errorf("%s is shown: %v", hidden, err)
			}
		}
	}
}

// TestErrorsOfTheWayThereShowNothing: an address may hold what lets us in, the number and the code.
func TestErrorsOfTheWayThereShowNothing(t *testing.T) {
	o := newOther(t)
	o.hang = make(chan struct{})
	defer close(o.hang)
	gone := newOther(t)
	gone.Close()
	hook := notify.GatewayAccount{Kind: "webhook", Format: "query", Body: "password={token}&to={to}&text={text}"}
	for name, c := range map[string]struct {
		url    string
		client *http.Client
		want   string
	}{
		"no answer":   {o.URL, local, "no answer"},
		"gone":        {gone.URL, local, "no connection"},
		"not allowed": {gone.URL, outbound.NewClient(nil), "outbound.allow"},
	} {
		a := hook
		a.URL, a.Client = c.url, c.client
		ctx, done := context.WithTimeout(t.Context(), 300*time.Millisecond)
		err := gateway(t, a).SendText(ctx, text)
		done()
		if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "612345678") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheSecondGatewayHelpsOut(t *testing.T) {
	first, second := newOther(t), newOther(t)
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	var log strings.Builder
	both := notify.NewGateways([]string{"first", "second"}, []notify.Gateway{
		gateway(t, notify.GatewayAccount{Kind: "spryng", URL: first.URL}), gateway(t, notify.GatewayAccount{Kind: "cm", URL: second.URL}),
	}, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	send := func(what, want string, firstStatus, secondStatus int) {
		t.Helper()
		first.got, second.got = asked{}, asked{}
		first.status, second.status, second.answer = firstStatus, secondStatus, `{"errorCode":0}`
		first.answer = `{"errors":{"recipients.0":[]}}`
		err := both.SendText(t.Context(), text)
		got := ""
		if first.got.Method != "" {
			got += "first "
		}
		if second.got.Method != "" {
			got += "second "
		}
		switch {
		case err == nil:
			got += "sent"
		case errors.Is(err, fault.Refused):
			got += "refused"
		case errors.Is(err, fault.Unavailable):
			got += "unavailable"
		}
		if got != want {
			t.Errorf("%s: %s (%v), want %s", what, got, err, want)
		}
	}
	send("all well", "first sent", 200, 200)
	send("a number that never works", "first refused", 422, 200)
	send("the first is away", "first second sent", 503, 200)
	send("… and is not asked for a while", "second sent", 503, 200)
	send("… unless the other one fails", "first second sent", 200, 500)
	send("now both rest: in their order", "first sent", 200, 200)
	now = now.Add(30 * time.Second)
	send("both are away", "first second unavailable", 503, 503)
	now = now.Add(30 * time.Second)
	send("back again", "first sent", 200, 200)
	if !strings.Contains(log.String(), "gateway=first") || strings.Contains(log.String(), "612345678") {
		t.Error(log.String())
	}
}

// A gateway that does not understand us is said so, with its status and its first words; the other one takes the
// message. Where none understands it, it is refused at once: it would be refused until its code is dead.
func TestWhatNoGatewayUnderstandsIsSaidAndNotRepeated(t *testing.T) {
	hook := func(o *other) notify.Gateway {
		return gateway(t, notify.GatewayAccount{Kind: "webhook", URL: o.URL, Format: "form", Body: "to={to}&text={text}"})
	}
	first, second := newOther(t), newOther(t)
	first.answer, second.answer = "DLR-URL field misformed", "no"
	for says, c := range map[string]struct {
		first, second int // 0: there is no second one
		want          error
		log           []string
	}{
		"one alone":                    {400, 0, fault.Refused, []string{"WARN", "gateway=first", "400", "DLR-URL field misformed"}},
		"both":                         {400, 410, fault.Refused, []string{"gateway=first", "gateway=second", "410"}},
		"the other takes it":           {400, 200, nil, []string{"gateway=first", "DLR-URL field misformed"}},
		"the other is away":            {400, 503, fault.Unavailable, []string{"DLR-URL field misformed", "gateway takes no text messages"}},
		"the first is away":            {503, 400, fault.Unavailable, []string{"gateway takes no text messages", "gateway=second"}},
		"the other may take it later":  {400, 409, errLater, []string{"gateway=second", "409"}},
		"one alone, and later":         {409, 0, errLater, []string{"gateway=first", "409", "DLR-URL field misformed"}},
		"the number never works there": {400, 422, fault.Refused, []string{"gateway=first"}},
	} {
		first.status, second.status = c.first, c.second
		names, all := []string{"first"}, []notify.Gateway{hook(first)}
		if c.second != 0 {
			names, all = append(names, "second"), append(all, hook(second))
		}
		var log strings.Builder
		err := notify.NewGateways(names, all, time.Now, slog.New(slog.NewTextHandler(&log, nil))).SendText(t.Context(), text)
		later := errors.Is(c.want, errLater) && err != nil && !errors.Is(err, fault.Refused) && !errors.Is(err, fault.Unavailable)
		if !later && !errors.Is(err, c.want) || c.want == nil && err != nil || errors.Is(c.want, fault.Unavailable) && errors.Is(err, fault.Refused) {
			t.Errorf("%s: %v, want %v", says, err, c.want)
		}
		for _, want := range c.log {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%s: no %q in %s", says, want, &log)
			}
		}
		if err != nil && errors.Is(err, fault.Refused) && strings.Contains(err.Error(), "misformed") {
			t.Errorf("%s: the gateway's words go beyond the log: %v", says, err)
		}
	}
}

var errLater = errors.New("later")

// What a gateway says may repeat what we sent it: nothing of that is in the log.
func TestWordsOfAGatewayHideWhatItWasSent(t *testing.T) {
	o := newOther(t)
	o.status = 400
	for _, said := range []string{
		"<error>" + text.Body + "</error>", "to=" + text.To, "to=" + url.QueryEscape(text.To), "0031612345678", "06 12 34 56 78", "(06) 12-34.56/78", "+31 6 1234 5678",
		"code 014874", "code 01 48 74", "code 0-1-4-8-7-4", `["0","1","4","8","7","4"]`, "code ０１４８７４", "token hunter2", "Bearer hunter2", "hunter2hunter2",
		"https://login.linde.test/sms/report/first/" + reportSecret + "?ref=" + text.ID, text.ID, url.QueryEscape("https://login.linde.test/sms/report/first/" + reportSecret),
		strings.Repeat("x", 95) + " " + text.To, "a\n014874\r\nb\x00\x1b[31m", "\xff014874", `{"message":"The 'To' number +31612345678 is not valid"}`,
		base64.StdEncoding.EncodeToString([]byte(text.Body + reportSecret)),
	} {
		o.answer = said
		var log strings.Builder
		one := notify.NewGateways([]string{"first"}, []notify.Gateway{
			gateway(t, notify.GatewayAccount{Kind: "webhook", URL: o.URL, Format: "form", Body: "to={to}&text={text}"}),
		}, time.Now, slog.New(slog.NewTextHandler(&log, nil)))
		err := one.SendText(t.Context(), text)
		line := log.String()
		_, words, ok := strings.Cut(line, "error=")
		if !ok || strings.Count(line, "\n") != 1 {
			t.Fatalf("%q: %s", said, line)
		}
		shown := strings.Join(strings.FieldsFunc(words, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), "")
		for _, hidden := range []string{"14874", "１４８７４", "612345678", "12345678", "hunter2", reportSecret, text.ID, "\x1b", "\x00"} {
			if strings.Contains(words, hidden) || strings.Contains(shown, hidden) || strings.Contains(fmt.Sprint(err), hidden) {
				t.Errorf("%q shows %q: %s", said, hidden, words)
			}
		}
		if n := len([]rune(words)); n > 200 {
			t.Errorf("%q: %d characters", said, n)
		}
	}
}

func TestReportsOfGateways(t *testing.T) {
	const id = "4kxwf63w4unu4nwj3hoyrzw3vx"
	hook := notify.GatewayAccount{Kind: "webhook", Format: "form", Body: "to={to}&text={text}", URL: "https://sms.example.org"}
	for _, c := range []struct {
		account             notify.GatewayAccount
		query, kind, body   string
		wantID, wantOutcome string
	}{
		{notify.GatewayAccount{Kind: "cm"}, "", "application/json", `{"messages":{"msg":{"received":"2026-11-26T10:00:00","to":"0031612345678","reference":"` + id + `","status":{"code":"2","errorCode":"","errorDescription":"Delivered"},"operator":"20416"}}}`, id, "delivered"},
		{notify.GatewayAccount{Kind: "cm"}, "", "application/json", `{"messages":{"msg":{"reference":"` + id + `","status":{"code":3}}}}`, id, "undelivered"},
		{notify.GatewayAccount{Kind: "cm"}, "", "application/json", `{"messages":{"msg":{"reference":"` + id + `","status":{"code":"0"}}}}`, id, ""},
		{notify.GatewayAccount{Kind: "cm"}, "", "application/json", `[]`, "", ""},
		{notify.GatewayAccount{Kind: "spryng"}, "ID=1&REFERENCE=" + id + "&STATUS=10&MSISDN=31612345678", "", "", id, "delivered"},
		{notify.GatewayAccount{Kind: "spryng"}, "", "application/x-www-form-urlencoded", "REFERENCE=" + id + "&STATUS=20&REASONCODE=1", id, "undelivered"},
		{notify.GatewayAccount{Kind: "spryng"}, "REFERENCE=" + id + "&STATUS=Not+Delivered", "", "", id, "undelivered"},
		{notify.GatewayAccount{Kind: "spryng"}, "REFERENCE=" + id + "&STATUS=11", "", "", id, ""},
		{notify.GatewayAccount{Kind: "twilio"}, "ref=" + id, "application/x-www-form-urlencoded", "MessageSid=SM1&MessageStatus=delivered&To=%2B31612345678", id, "delivered"},
		{notify.GatewayAccount{Kind: "twilio"}, "ref=" + id, "application/x-www-form-urlencoded", "MessageStatus=undelivered&ErrorCode=30003", id, "undelivered"},
		{notify.GatewayAccount{Kind: "twilio"}, "ref=" + id, "application/x-www-form-urlencoded", "MessageStatus=sent", id, ""},
		{hook, "ref=" + id + "&status=1", "", "", id, "delivered"},
		{hook, "ref=" + id + "&status=16", "", "", id, "undelivered"},
		{hook, "ref=" + id + "&status=8", "", "", id, ""},
		{hook, "ref=" + id, "application/x-www-form-urlencoded", "status=failed", id, "undelivered"},
	} {
		method := http.MethodGet
		if c.body != "" {
			method = http.MethodPost
		}
		r := httptest.NewRequest(method, "/sms/report/first/x?"+c.query, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		if id, state := gateway(t, c.account).Report(r); id != c.wantID || state != c.wantOutcome {
			t.Errorf("%s %s %s: %s %s, want %s %s", c.account.Kind, c.query, c.body, id, state, c.wantID, c.wantOutcome)
		}
	}
}

func TestTemplatesThatCannotWork(t *testing.T) {
	for body, want := range map[string]string{
		`{"to": "{to}", "text": {text}}`:                  "no JSON",
		`{"to": "{to}", "text": "{text}", "x": "{code}"}`: "{code}",
		`{"to": "{to}"}`:                                  "needs {text}",
		`{"t": "{text}"}`:                                 "needs {text}, and {to}",
	} {
		_, err := notify.NewGateway(notify.GatewayAccount{Kind: "webhook", Format: "json", Body: body})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	for _, a := range []notify.GatewayAccount{
		{Kind: "webhook", Format: "xml", Body: "{to}{text}"}, {Kind: "webhook", Format: "form", Body: "%zz={to}&text={text}"},
		{Kind: "webhook", Format: "form", Body: "to={to}&text={text}", Authorization: "Bearer {tokn}"}, {Kind: "bird"},
	} {
		if _, err := notify.NewGateway(a); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", a, err)
		}
	}
}
