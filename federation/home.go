package federation

import "strings"

// Named is the open connection of a name; nil: there is none. A name is compared as it is written.
func Named(all []*Connection, name string) *Connection {
	for _, c := range all {
		if !c.Disabled && string(c.ID) == name {
			return c
		}
	}
	return nil
}

// OfDomain is the first open connection that has a domain of mail addresses, proven or not: it leads to the organisation,
// and says nothing of who somebody is. nil: there is none.
func OfDomain(all []*Connection, domain string) *Connection {
	for _, c := range all {
		if !c.Disabled && c.HasDomain(strings.ToLower(domain)) {
			return c
		}
	}
	return nil
}

// HasDomain reports whether a domain, in lower case, is one of the connection's.
func (c *Connection) HasDomain(domain string) bool {
	for _, d := range c.Domains {
		if d.Name == domain {
			return true
		}
	}
	return false
}
