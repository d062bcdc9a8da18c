package admin_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/login/admin"
)

// Every kind of event has a sentence in every language, and there is none for a kind that there is not.
func TestEveryKindOfEventHasWords(t *testing.T) {
	texts := wire.UI()
	var want []string
	for _, kind := range audit.Kinds() {
		want = append(want, "staff.kind_"+strings.ReplaceAll(string(kind), ".", "_"))
	}
	got := slices.DeleteFunc(texts.Keys(), func(key string) bool { return !strings.HasPrefix(key, "staff.kind_") })
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("texts of kinds:\n%q, want\n%q", got, want)
	}
	empty := regexp.MustCompile(`^\s*$`)
	for _, lang := range login.Languages() {
		for _, key := range got {
			if empty.MatchString(texts.Text(lang.Code, key)) {
				t.Errorf("%s has no text in %s", key, lang.Name)
			}
		}
	}
}

// reasons are the words that docs/audit.md lists, by the kind of event.
func reasons(t *testing.T) map[audit.Kind][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "<!-- kinds: ")
	table, _, _ = strings.Cut(table, "<!-- end -->")
	all := map[audit.Kind][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]*)` \\|.*\\|.*\\| (.*) \\|$").FindAllStringSubmatch(table, -1) {
		for _, word := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			if !slices.Contains([]string{"failure", "success", "stated_reason", "identified", "for SUB", "act.", "from ROLE to ROLE", "N rows, M with an account"}, word[1]) {
				all[audit.Kind(row[1])] = append(all[audit.Kind(row[1])], word[1])
			}
		}
	}
	return all
}

// Every word that the record gives as a reason is said in words of people, in every language; so is every mail.
func TestEveryReasonHasWords(t *testing.T) {
	texts, all := wire.UI(), reasons(t)
	if len(all) < 12 {
		t.Fatalf("docs/audit.md lists reasons of %d kinds", len(all))
	}
	for kind := range texts.MessageKinds() {
		all[audit.MessageSettled] = append(all[audit.MessageSettled], string(kind)+" sent")
		all[audit.MessageRequested] = append(all[audit.MessageRequested], string(kind))
	}
	for kind, words := range all {
		for _, reason := range words {
			keys, said := admin.Words(texts, kind, reason)
			if len(keys) == 0 || said != "" {
				t.Errorf("%s: %q has no words: %v %q", kind, reason, keys, said)
			}
		}
	}
}

// What a machine or an operator says is shown as it is, and only that.
func TestReasonsOfMachinesStayAsTheyAre(t *testing.T) {
	texts := wire.UI()
	for _, row := range []struct {
		kind         audit.Kind
		reason, keys string
		said         string
	}{
		{audit.SessionStarted, "password totp", "activity.by_password activity.by_totp", ""},
		{audit.SecondFactorRefused, "recovery too many", "activity.by_recovery staff.why_too_many", ""},
		{audit.PartyRefused, "not proven: private_key_jwt (aud)", "staff.why_not_proven", "private_key_jwt (aud)"},
		{audit.PartyRefused, "unknown", "staff.why_party_refuse_unknown", ""},
		{audit.SecretExposed, "client_secret at token", "", "client_secret at token"},
		{audit.TwoStepReset, "called back, phone unknown", "", "called back, phone unknown"},
		{audit.SigningKeyMade, "ES256", "", "ES256"},
		{audit.RecordRead, "12 account kind", "staff.why_n_lines 12 staff.why_filter_account staff.why_filter_kind", ""},
		{audit.RecordRead, "1", "staff.why_n_lines 1", ""},
		{audit.RecordRead, "2 kind connection", "staff.why_n_lines 2 staff.why_filter_kind staff.why_filter_connection", ""},
		{audit.RecordExported, "0 account actor kind outcome reference since until after", "staff.why_n_lines staff.why_filter_account " +
			"staff.why_filter_actor staff.why_filter_kind staff.why_filter_outcome staff.why_filter_reference staff.why_filter_since " +
			"staff.why_filter_until staff.why_filter_after", ""},
		{audit.RecordRead, "12 colour", "", "12 colour"},
		{audit.RecordRead, "many", "", "many"},
		{audit.PeopleSearched, "3", "staff.why_n_people 3", ""},
		{audit.PeopleExported, "3", "staff.why_n_people 3", ""},
		{audit.FileChecked, "7 rows, 2 with an account", "staff.why_n_rows 7 staff.why_n_there 2", ""},
		{audit.ResetsStopped, "5 an hour", "staff.why_n_an_hour 5", ""},
		{audit.LogOutsStopped, "20 an hour", "staff.why_n_an_hour 20", ""},
		{audit.AccountAdded, "", "", ""},
	} {
		all, said := admin.Words(texts, row.kind, row.reason)
		var keys []string
		for _, why := range all {
			if keys = append(keys, why.Key); why.N > 0 {
				keys = append(keys, strconv.Itoa(why.N))
			}
		}
		if strings.Join(keys, " ") != row.keys || said != row.said {
			t.Errorf("%s %q: %v and %q, want %q and %q", row.kind, row.reason, keys, said, row.keys, row.said)
		}
	}
}

// Every kind of event is about one of the subjects that the record can be filtered by.
func TestEveryKindHasOneSubject(t *testing.T) {
	about := map[audit.Kind][]string{}
	for _, name := range admin.Subjects() {
		for _, kind := range admin.KindsAbout(name) {
			about[kind] = append(about[kind], name)
		}
	}
	for _, kind := range audit.Kinds() {
		if len(about[kind]) != 1 {
			t.Errorf("%s is about %v", kind, about[kind])
		}
	}
	if kinds := admin.KindsAbout("nothing"); kinds != nil {
		t.Errorf("nothing is about %v", kinds)
	}
}
