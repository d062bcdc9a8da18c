package setup

import (
	"errors"
	"reflect"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/strict"
	"github.com/minddistrict/idp/platform"
)

// Shows reports whether two rows differ in what a file can declare.
func Shows(was, is any) bool {
	switch was := was.(type) {
	case platform.Platform:
		return len(difference(declaredPlatform(was), declaredPlatform(is.(platform.Platform)))) > 0
	case grant.Party:
		return len(difference(declaredParty(was), declaredParty(is.(grant.Party)))) > 0
	case federation.Connection:
		return len(difference(declaredConnection(was), declaredConnection(is.(federation.Connection)))) > 0
	}
	return len(difference(declaredAccount(was.(account.Account)), declaredAccount(is.(account.Account)))) > 0
}

// Declared are the keys of a row, with the values that the difference shows.
func Declared(row any) map[string]string {
	p := pairs{text: map[string]string{}}
	switch row := row.(type) {
	case platform.Platform:
		p.add("", reflect.ValueOf(declaredPlatform(row)))
	case grant.Party:
		p.add("", reflect.ValueOf(declaredParty(row)))
	case account.Account:
		p.add("", reflect.ValueOf(declaredAccount(row)))
	}
	return p.text
}

// Keys are all keys of the format.
func Keys() map[string]bool {
	all := map[string]bool{}
	var visit func(reflect.Type)
	visit = func(t reflect.Type) {
		switch {
		case t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice:
			visit(t.Elem())
		case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
			for i, key := range strict.KeysOf(t) {
				all[key] = true
				visit(t.Field(i).Type)
			}
		}
	}
	visit(reflect.TypeFor[File]())
	return all
}

// Merge merges all of a file into nothing.
func Merge(f *File, lines *Lines) error {
	var all []error
	add := func(_ map[string]bool, err error) { all = append(all, err) }
	for i, p := range f.Platforms {
		usual := Platform{Policy: declaredPolicy(platform.DefaultPolicy())}
		add(merge(lines.at("platforms", i), &Platform{}, usual))
		for j := range p.Parties {
			add(merge(lines.at("platforms", i, "parties", j), &Party{}, Party{}))
		}
		for j := range p.Connections {
			add(merge(lines.at("platforms", i, "connections", j), &Connection{}, declaredConnection(federation.Connection{})))
		}
		for j := range p.Accounts {
			add(merge(lines.at("platforms", i, "accounts", j), &Account{}, declaredAccount(newAccount())))
		}
	}
	return errors.Join(all...)
}
