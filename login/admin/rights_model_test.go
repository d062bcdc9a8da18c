package admin_test

import (
	"slices"
	"strings"
)

// This is what the plan says of rights, once more and in other words: it shares nothing with package staff, so that a
// mistake in one of the two is a difference.

// order is how high roles stand. Who does something to a person stands higher.
var order = map[string]int{"client": 1, "relative": 1, "professional": 2, "helpdesk": 3, "manager": 4}

// modelPage says who has a page of staff.
type modelPage struct {
	roles  string // initials of the roles that have it: h helpdesk, m manager; p: a professional, by referral only
	fresh  bool   // password and code within five minutes
	deed   string // to a person; empty: none
	reason string // words that its form takes, one of which it wants; empty: none
	how    bool   // it wants how the person was identified
	email  bool
}

var modelPages = map[string]modelPage{
	"/staff":                     {roles: "hm"},
	"/staff/people/{person}":     {roles: "hm"},
	"/staff/reference":           {roles: "hm"},
	"/staff/roles":               {roles: "hm"},
	"/staff/invite":              {roles: "hm"},
	"/staff/invite/many":         {roles: "hm"},
	"/staff/invite/many/example": {roles: "hm"},
	"/staff/invite/many/{file}":  {roles: "hm"},
	"/staff/referral/{token}":    {roles: "hmp", fresh: true},
	"/staff/record":              {roles: "m"},
	"/staff/record/export":       {roles: "m", fresh: true},

	"/staff/connections":              {roles: "m"},
	"/staff/connections/{connection}": {roles: "m"},

	"/staff/people.csv": {roles: "m", fresh: true},
	"/staff/welcome":    {roles: "hm"},

	"/staff/waiting":       {roles: "hm"},
	"/staff/waiting/{act}": {roles: "hm"},

	"/staff/people/{person}/resend": {roles: "hm", deed: "account.invite"},
	"/staff/people/{person}/correct-address": {
		roles: "hm", fresh: true, deed: "email.ask", email: true, reason: "mistyped new-address",
	},
	"/staff/people/{person}/change-address": {
		roles: "m", fresh: true, deed: "email.ask", email: true, reason: "mistyped new-address",
	},
	"/staff/people/{person}/unblock": {roles: "hm", deed: "account.unblock"},
	"/staff/people/{person}/reset-two-step": {
		roles: "hmp", fresh: true, deed: "two_step.reset", how: true, reason: "lost-phone new-phone lost-codes",
	},
	"/staff/people/{person}/role": {roles: "m", deed: "account.role", reason: "new-task left-task"},
	"/staff/people/{person}/end-session/{of}": {
		roles: "hm", deed: "session.end", reason: "lost-device suspicion asked",
	},
	"/staff/people/{person}/forget-browser/{of}": {
		roles: "hm", deed: "device.forget", reason: "lost-device suspicion asked",
	},
	"/staff/people/{person}/remove-device/{of}": {
		roles: "hm", deed: "app.remove", reason: "lost-device suspicion asked",
	},
	"/staff/people/{person}/remove-link/{of}": {
		roles: "hm", fresh: true, deed: "credential.retire", how: true, reason: "wrong-link suspicion left asked",
	},
	"/staff/people/{person}/end-sessions": {roles: "hm", deed: "session.end_all", reason: "lost-device suspicion asked"},
	"/staff/people/{person}/deactivate":   {roles: "hm", deed: "account.deactivate", reason: "left asked suspicion"},
	"/staff/people/{person}/reactivate":   {roles: "hm", deed: "account.reactivate", reason: "returned mistake asked"},
}

// modelConnections are the ones that the platforms have.
var modelConnections = map[string]string{"linde": "lindehof", "wilg": "wilgenhof"}

// modelAPI are the endpoints that machines do acts of staff with.
var modelAPI = []string{"POST /api/v1/referrals"}

// outcome is what must come back, and what may be different in the database.
type outcome string

const (
	proves  outcome = "led to prove"     // 303 to a journey
	missing outcome = "404"              // as if there were no such page
	crossed outcome = "403"              // sent by another site
	wrong   outcome = "422"              // the form is shown again
	shown   outcome = "shown"            // 200
	odd     outcome = "400"              // no form of ours says that
	led     outcome = "led on, not done" // 303, and nothing changed: somebody made it impossible
	done    outcome = "done"             // 303 or 2xx, and the record has it
	waits   outcome = "waits or refused" // asked of a second one perhaps; nothing is done to the person
	mixed   outcome = "done or refused"  // nobody is offered that, and who sends it may have it done another way
	unknown outcome = "401"              // of machines
	barred  outcome = "403 of a machine"
)

// expect is what the plan says of a request.
func (t triple) expect() outcome {
	if t.page == "" {
		return t.expectAPI()
	}
	m, who := modelPages[t.page], t.who
	switch {
	case t.foreign && t.method == "POST":
		return crossed
	case !who.signedIn:
		return proves
	case t.page == "/staff/referral/{token}": // nobody has a good one here: package staff's tests do
		return missing
	case !strings.ContainsRune(m.roles, rune(who.role[0])) || who.role == "relative":
		return missing
	case !who.proven, m.fresh && !who.fresh:
		return proves
	}
	on := t.whom
	if strings.Contains(t.page, "{person}") && on.platform != who.platform {
		return missing
	}
	if m.deed != "" {
		return t.expectDeed(m, on)
	}
	switch {
	case t.page == "/staff/waiting/{act}": // nothing waits
		return missing
	case t.page == "/staff/people.csv": // nothing was searched for
		return led
	case t.page == "/staff/connections/{connection}" && !strings.HasSuffix(t.path, "/"+modelConnections[who.platform]):
		return missing
	case t.method == "GET":
		return shown
	case t.page == "/staff/welcome":
		return led
	case t.page == "/staff" && t.form.Get("typed") == "":
		return wrong
	case t.page == "/staff":
		return led
	case t.page == "/staff/invite":
		return t.expectInvite()
	case t.page == "/staff/invite/many" && t.file == "":
		return wrong
	case t.page == "/staff/invite/many":
		return done
	case t.page == "/staff/invite/many/{file}" && t.ownFile:
		return done
	case t.page == "/staff/invite/many/{file}":
		return led
	case t.page == "/staff/record/export":
		return shown
	}
	return missing
}

// expectDeed: who may have the page stands higher than the person, and is another.
func (t triple) expectDeed(m modelPage, on person) outcome {
	by := t.who
	switch {
	case by.role == "professional", on.id == by.id:
		return missing
	case order[on.role] >= order[by.role]:
		if by.role == "manager" && on.role == "manager" && (m.deed == "account.deactivate" || m.deed == "account.role") {
			return waits // for a second manager
		}
		return missing
	case strings.HasSuffix(t.page, "/{of}"): // it has ended
		return led
	case t.method == "GET":
		return shown
	case m.deed == "account.role" && (order[t.form.Get("role")] == 0 || t.form.Get("role") == on.role):
		return wrong
	case m.reason != "" && !slices.Contains(strings.Fields(m.reason), t.form.Get("reason")),
		m.how && !slices.Contains([]string{"in-person", "video", "called-back", "known"}, t.form.Get("identified")),
		m.email && !strings.Contains(t.form.Get("email"), "@"):
		return wrong
	}
	email := m.deed == "email.ask"
	switch {
	case email && by.role != "manager" && on.state != "invited":
		return led
	case m.reason != "" && !m.how && t.form.Get("identified") != "":
		return odd // no page asks that of this act
	}
	high := order[on.role] >= order["professional"]
	switch m.deed {
	case "account.invite":
		return either(on.state == "invited", done, led)
	case "two_step.reset":
		return either(!on.second, led, either(high, waits, done))
	case "account.role":
		return either(on.state == "deactivated", led, either(t.form.Get("role") == "manager", waits, done))
	case "account.deactivate":
		return either(on.state == "deactivated", led, done)
	case "account.reactivate":
		return either(on.state == "deactivated", done, led)
	case "email.ask":
		switch to := t.form.Get("email"); {
		case on.state == "active" && high && strings.HasSuffix(t.page, "/correct-address"): // a manager may, by another page
			return mixed
		case on.state == "deactivated":
			return led
		case on.state == "invited" && high && to != on.email:
			return waits
		case to == on.email:
			return led
		case strings.HasSuffix(to, "@"+on.platform+".example.org"): // somebody else has it
			return wrong
		}
	}
	return done
}

func (t triple) expectInvite() outcome {
	to, role := t.form.Get("email"), t.form.Get("role")
	free := strings.Contains(to, "@") && !strings.HasSuffix(to, "@"+t.who.platform+".example.org")
	fits := t.form.Get("given_name") == "Nieuw" && free
	return either(fits && order[role] > 0 && order[role] < order[t.who.role], done, wrong)
}

// expectAPI: a server with the right refers a professional, or who stands higher, to a client or a relative.
func (t triple) expectAPI() outcome {
	by, of, on := t.machine, t.asks, t.whom
	switch {
	case by.token == "":
		return unknown
	case !by.scope:
		return barred
	case of.platform != by.platform, on.platform != by.platform:
		return missing
	case t.reason != "lost-phone", t.act != "reset_two_step":
		return wrong
	case of.state != "active", on.state != "active", order[of.role] < 2, order[on.role] > 1:
		return wrong
	}
	return done
}

func either(holds bool, yes, no outcome) outcome {
	if holds {
		return yes
	}
	return no
}
