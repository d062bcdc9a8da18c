package op

import (
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/minddistrict/idp/grant"
)

// mostParsed bounds the registered texts, in bytes, whose keys are remembered: those of some ten thousand parties.
const mostParsed = 4 << 20

// parsedKeys remembers the keys in registered texts. They are found by the whole text, so keys that a party does not have any
// more are never among those of what it registered since. The zero value is ready, and safe for concurrent use.
type parsedKeys struct {
	lock sync.RWMutex // guards what follows
	sets map[string]*jose.JSONWebKeySet
	size int // bytes of all texts; at most mostParsed
}

// of are the keys in a text (grant.ParseKeys). Nobody may change them.
func (k *parsedKeys) of(text string) (*jose.JSONWebKeySet, error) {
	k.lock.RLock()
	set := k.sets[text]
	k.lock.RUnlock()
	if set != nil {
		return set, nil
	}
	set, err := grant.ParseKeys([]byte(text))
	if err != nil {
		return nil, err
	}
	k.lock.Lock()
	defer k.lock.Unlock()
	if k.sets[text] == nil {
		k.size += len(text)
	}
	if k.sets == nil || k.size > mostParsed { // begin anew: parties that are still there cost one reading each
		k.sets, k.size = map[string]*jose.JSONWebKeySet{}, len(text)
	}
	k.sets[text] = set
	return set, nil
}
