/*
 * The handoff of a web session to a phone by QR code: docs/app/model.md says what the steps stand for.
 *
 * Everybody here may do everything at any time: a phone knows every reference (it photographed the code) and every
 * handoff id, a tab types any number. So no answer needs to be modelled, and a lost one is one that nobody uses.
 * A d_step is one statement, or one transaction, of the database. Between two of them a request may end for good: its
 * node crashed. Nodes share nothing but the database, so a node that crashes is its requests that end.
 *
 * -DMISTAKE=n seeds a mistake, which must be found:
 *  1  a reference is read in one statement and claimed in the next
 *  2  an expired reference can be claimed
 *  3  any number confirms
 *  4  another web session of the same person confirms
 *  5  a number is taken after the handoff ended
 *  6  wrong numbers are counted in the memory of a node
 *  7  a number is compared in one statement, and a wrong one counted in the next
 *  8  the poll does not look at the key
 *  9  the poll redeems again what was redeemed
 * 10  a device is added for a key that has one
 * 11  the device is made in a transaction of its own
 * 12  the older handoff is ended in one transaction, and the new one made in the next
 * 13  the poll does not look at whether the web session lives
 * 14  the poll gives tokens for what was claimed and not confirmed
 * 15  a number is taken after the time is over, which starts the time anew
 * 16  the poll does not look at the time
 * -DREACH=n fails where something happens that must be possible, because a model without it keeps every promise:
 *  1  tokens are given
 *  2  a second reference renews the device of the first, whose answer was lost
 */
#ifndef MISTAKE
#define MISTAKE 0
#endif
#ifndef REACH
#define REACH 0
#endif
#ifndef REFS
#define REFS 2 /* references that are made, over all sessions */
#endif

mtype = { unmade, made, claimed, confirmed, redeemed, ended };

/* The database: a row per handoff, whether a web session lives, and how many device rows a key has. */
mtype state[REFS] = unmade;
bit session[REFS];
bit key[REFS];       /* and the match number: each phone shows one of its own, so that the other's is a wrong one */
byte wrong[REFS];
bool past[REFS];    /* expires_at has passed */
bool alive[2] = true;
byte rows[2];
byte refs;          /* references made so far */

/* What happened, whatever the database says of it: the promises are about these. */
bool typed[REFS];   /* the right number, in the session of the handoff, before it ended */
byte mistyped[REFS];
bool over[REFS];    /* stopped, refused, replaced, expired, or its session ended */
byte claims[REFS];
bit claimer[REFS];
byte devices[REFS]; /* made or renewed by this reference */

#if MISTAKE == 6
byte counted[4];    /* wrong numbers of each handoff, in the memory of each of two nodes */
#endif

/* any gives one of the references. */
inline any(ref) {
	if
	:: ref = 0
	:: ref = 1
#if REFS > 2
	:: ref = 2
#endif
	fi
}

/* given holds the promises at the moment at which tokens, or a device, leave for the phone with key k. */
inline given(ref, k) {
	devices[ref]++;
	assert(typed[ref]);
	assert(!over[ref]);
	assert(devices[ref] <= 1);
	assert(claims[ref] == 1 && claimer[ref] == k);
	assert(rows[k] == 1)
}

/* endOthers ends what a session made before, in the database. */
inline endOthers(s) {
	i = 0;
	do
	:: i < refs ->
		if
		:: session[i] == s && state[i] != redeemed -> state[i] = ended
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* insert makes a handoff of session s; from now on no other of it may give anything. */
inline insert(s) {
	i = 0;
	do
	:: i < refs ->
		if
		:: session[i] == s -> over[i] = true
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	session[refs] = s;
	state[refs] = made;
	refs++
}

/* typing is what a person did who typed n in session s. */
inline typing(ref, s, n) {
	if
	:: claims[ref] > 0 && !typed[ref] && !over[ref] && session[ref] == s ->
		if
		:: n == claimer[ref] -> typed[ref] = true
		:: else ->
			mistyped[ref]++;
			if
			:: mistyped[ref] == 2 -> over[ref] = true
			:: else
			fi
		fi
	:: else
	fi
}

#if MISTAKE == 4
#define MINE(ref, s) true
#else
#define MINE(ref, s) (session[ref] == s)
#endif

/* A tab of web session s. */
proctype Tab(bit s) {
	byte h, i;
	bit n;
#if MISTAKE == 6
	bit node;
#endif
	do
	/* qr.show: the older one ends and a new one is made, in one transaction in which one of a session goes at a time. */
	:: refs < REFS && alive[s] ->
#if MISTAKE == 12
		d_step { endOthers(s) };
		if
		:: d_step { refs < REFS -> insert(s) }
		:: skip
		fi
#else
		d_step {
			if
			:: refs < REFS && alive[s] -> endOthers(s); insert(s)
			:: else
			fi
		}
#endif

	/* The number: one statement that compares, counts and confirms. */
	:: atomic {
		any(h);
		if
		:: n = 0
		:: n = 1
		fi;
#if MISTAKE == 6
		if
		:: node = 0
		:: node = 1
		fi;
#endif
		d_step {
			typing(h, s, n);
			if
#if MISTAKE == 5
			:: (state[h] == claimed || state[h] == ended) && MINE(h, s) && alive[s] && !past[h] ->
#elif MISTAKE == 15
			:: state[h] == claimed && MINE(h, s) && alive[s] ->
				past[h] = false;
#else
			:: state[h] == claimed && MINE(h, s) && alive[s] && !past[h] ->
#endif
				if
				:: n == key[h] -> state[h] = confirmed
				:: else ->
#if MISTAKE == 3
					state[h] = confirmed
#elif MISTAKE == 7
					i = 1 /* the next statement counts it */
#elif MISTAKE == 6
					counted[2 * node + h]++;
					if
					:: counted[2 * node + h] == 2 -> state[h] = ended
					:: else
					fi
#else
					wrong[h]++;
					if
					:: wrong[h] == 2 -> state[h] = ended
					:: else
					fi
#endif
				fi
			:: else
			fi;
#if MISTAKE != 7
			h = 0;
#endif
			n = 0
		}
	   };
#if MISTAKE == 7
		if
		:: skip /* crash */
		:: d_step {
			i == 1 && state[h] == claimed ->
			wrong[h]++;
			if
			:: wrong[h] == 2 -> state[h] = ended
			:: else
			fi
		   }
		fi;
		d_step { h = 0; i = 0 }
#endif

	/* "Nee, stop". */
	:: atomic {
		any(h);
		d_step {
			if
			:: state[h] != unmade && session[h] == s && devices[h] == 0 -> over[h] = true
			:: else
			fi;
			if
			:: session[h] == s && (state[h] == made || state[h] == claimed || state[h] == confirmed) -> state[h] = ended
			:: else
			fi;
			h = 0
		}
	   }
	od
}

/* A request of the phone with key k. Two of one phone: it asked again while its first request was still on its way. */
proctype Phone(bit k) {
	byte h;
	do
	/* POST /app/handoff: one statement spends the reference. */
	:: atomic {
		any(h);
#if MISTAKE == 1
		state[h] == made && !past[h] && alive[session[h]] -> skip
	   };
	   atomic {
#endif
		d_step {
			if
#if MISTAKE == 1
			:: true ->
#elif MISTAKE == 2
			:: state[h] == made && alive[session[h]] ->
#else
			:: state[h] == made && !past[h] && alive[session[h]] ->
#endif
				state[h] = claimed;
				key[h] = k;
				past[h] = false;
				claims[h]++;
				assert(claims[h] == 1);
				claimer[h] = k
			:: else
			fi;
			h = 0
		}
	   }

	/* Stop on the phone. */
	:: atomic {
		any(h);
		d_step {
			if
			:: claims[h] > 0 && claimer[h] == k && devices[h] == 0 -> over[h] = true
			:: else
			fi;
			if
			:: key[h] == k && (state[h] == claimed || state[h] == confirmed) -> state[h] = ended
			:: else
			fi;
			h = 0
		}
	   }

	/* The poll: the row is read, which answers most polls; then one transaction spends it and makes the device. */
	:: atomic {
		any(h);
#if MISTAKE == 14
		state[h] == claimed || state[h] == confirmed -> skip
#else
		state[h] == confirmed -> skip
#endif
	   };
		if
		:: h = 0 /* crash */
#if MISTAKE == 11
		/* The device has a transaction of its own, before the one that spends. */
		:: d_step {
			key[h] == k && state[h] == confirmed && !past[h] && alive[session[h]] ->
			rows[k] = 1;
			given(h, k)
		   };
		   d_step {
#else
		:: d_step {
#endif
			if
#if MISTAKE == 8
			:: state[h] == confirmed && !past[h] && alive[session[h]] ->
#elif MISTAKE == 9
			:: key[h] == k && !past[h] && alive[session[h]] && state[h] != ended ->
#elif MISTAKE == 13
			:: state[h] == confirmed && key[h] == k && !past[h] ->
#elif MISTAKE == 14
			:: (state[h] == claimed || state[h] == confirmed) && key[h] == k && !past[h] && alive[session[h]] ->
#elif MISTAKE == 16
			:: state[h] == confirmed && key[h] == k && alive[session[h]] ->
#else
			:: state[h] == confirmed && key[h] == k && !past[h] && alive[session[h]] ->
#endif
				state[h] = redeemed;
#if REACH == 2
				assert(rows[k] == 0);
#endif
#if MISTAKE == 10
				rows[k]++;
#else
				rows[k] = 1;
#endif
#if MISTAKE != 11
				given(h, k);
#endif
#if REACH == 1
				assert(false);
#endif
			:: else
			fi;
			h = 0
		   }
		fi
	od
}

/* Time passes, and the person logs out in the browser. */
proctype World() {
	byte h;
	do
	:: atomic {
		any(h);
		d_step {
			if
			:: (state[h] == made || state[h] == claimed || state[h] == confirmed) && !past[h] ->
				past[h] = true;
				over[h] = true
			:: else
			fi;
			h = 0
		}
	   }
	:: d_step {
		alive[0] ->
		alive[0] = false;
		h = 0;
		do
		:: h < refs ->
			if
			:: session[h] == 0 -> over[h] = true
			:: else
			fi;
			h++
		:: else -> break
		od;
		h = 0
	   }
	od
}

init {
	atomic {
		run Tab(0);
		run Tab(0);
		run Tab(1); /* another session of the same person */
		run Phone(0);
		run Phone(0);
		run Phone(1);
		run World()
	}
}
