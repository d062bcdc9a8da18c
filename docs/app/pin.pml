/*
 * The counter of PINs of one device: docs/app/model.md says what the steps stand for.
 *
 * Requests are tries of the phone and of a copy of it, on any node, as many at a time as there are processes. A d_step
 * is one statement of the database; whether a PIN is right is found in memory, between two of them. Between any two
 * steps a request may end for good (its node crashed), or be slow for longer than the 10 seconds after which another
 * may count. Nodes share nothing but the database, so a node that crashes is its requests that end.
 *
 * -DMISTAKE=n seeds a mistake, which must be found:
 *  1  a PIN is compared before it is counted
 *  2  the count has no limit
 *  3  the count is read in one statement and written in the next
 *  4  "one at a time" is kept in the memory of a node
 *  5  several are compared at a time
 *  6  a right PIN is taken without a look at whose turn it is
 *  7  a wrong PIN ends the turn of another request
 *  8  five counted remove the device while the fifth is being compared
 *  9  a request that is asked to wait is counted
 * 10  a request that lost its turn says that its PIN is wrong
 * 11  a right PIN is taken without a look at whether the device lives
 * 12  the turn is marked with the name of the node, not with a token of the request
 * 13  a right PIN starts the tries anew in a statement of its own
 * 14  the fifth wrong PIN removes the device without a look at whose turn it is
 * 15  a device whose fifth try was never done stays
 * 16  a new PIN leaves the turn of a try with the old one
 * -DREACH=n fails where something happens that must be possible, because a model without it keeps every promise:
 *  1  a right PIN is taken
 *  2  the fifth try is right
 *  3  a request that is not counted removes the device
 */
#ifndef MISTAKE
#define MISTAKE 0
#endif
#ifndef REACH
#define REACH 0
#endif

#define TRIES 5
#define REQUESTS 4

/* The database: the row of the device. */
bool live = true;
byte tries;
byte comparing; /* the token of the request that counted and has not answered, or 0 */
bool lapsed;    /* it counted more than 10 seconds ago */

/* What happened, whatever the database says of it: the promises are about these. */
mtype = { idle, inTime, slow, late, over };
mtype turn[REQUESTS] = idle; /* late: another counted since; over: a right PIN, a new PIN or the device's end since */
byte compared;  /* PINs compared since the last right one or new one, of those that were counted since then */
byte spent;     /* tries since then that were wrong or not done within 10 seconds, up to five */

#if MISTAKE == 4
bool mutex[2];  /* a try is being compared, in the memory of each of two nodes */
#endif

/* begin starts the count anew; tries from before are over. */
inline begin() {
	i = 0;
	do
	:: i < REQUESTS ->
		if
		:: turn[i] != idle -> turn[i] = over
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	compared = 0;
	spent = 0
}

/* counted holds that one try at a time is in work; one that was slow loses its turn. */
inline counted() {
	i = 0;
	do
	:: i < REQUESTS ->
		assert(turn[i] != inTime);
		if
		:: turn[i] == slow -> turn[i] = late
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0;
	turn[me] = inTime
}

/* looked holds the number of PINs compared. */
inline looked() {
	if
	:: turn[me] != over ->
		compared++;
		assert(compared <= TRIES)
	:: else
	fi
}

/* lost counts a try that was wrong or not done in time. */
inline lost() {
	if
	:: spent < TRIES -> spent++
	:: else
	fi
}

/* told holds that only whoever has the turn says right or wrong: else a late try would be one too many. */
inline told() {
	assert(live);
	assert(turn[me] == inTime || turn[me] == slow)
}

/* removed holds that no device goes but by five tries that were wrong, or were never done. */
inline removed() {
	assert(spent >= TRIES);
	begin()
}

/* release ends the comparing, in the database. */
inline release() {
	comparing = 0;
	lapsed = false
}

#if MISTAKE == 12
#define TOKEN (me % 2 + 1) /* the name of the node */
#else
#define TOKEN (me + 1)
#endif
#if MISTAKE == 6
#define OWN live
#elif MISTAKE == 11
#define OWN (comparing == TOKEN)
#else
#define OWN (live && comparing == TOKEN)
#endif

/* Requests of phones that have the key of the device, one after the other. */
proctype Request(byte me) {
	byte i;
	bool fifth, refused;
#if MISTAKE == 3
	byte read;
#endif
	do
	:: true ->
#if MISTAKE == 1
		/* Compares before it counts. */
		d_step { looked() };
		if
		:: skip
		:: goto done /* crash */
		fi;
#elif MISTAKE == 3
		/* Reads, and writes in the next statement. */
		read = tries;
#endif

		/* Counts: one statement. */
		atomic { d_step {
			if
#if MISTAKE == 2
			:: live && (comparing == 0 || lapsed) ->
#elif MISTAKE == 4
			:: live && tries < TRIES && !mutex[me % 2] ->
				mutex[me % 2] = true;
#elif MISTAKE == 5
			:: live && tries < TRIES ->
#else
			:: live && tries < TRIES && (comparing == 0 || lapsed) ->
#endif
#if MISTAKE == 3
				tries = read + 1;
#else
				tries++;
#endif
				if
				:: comparing != 0 && lapsed -> lost()
				:: else
				fi;
				counted();
				comparing = TOKEN;
				lapsed = false;
				fifth = (tries >= TRIES)
#if MISTAKE == 9 /* asks to wait, and counts that */
			:: live && tries < TRIES && comparing != 0 && !lapsed ->
				tries++;
				refused = true
#endif
			:: else -> refused = true
			fi
		} };

		/* Compares, in memory. */
		if
		:: goto done /* crash */
		:: refused -> goto uncounted
		:: d_step {
			!refused ->
#if MISTAKE != 1
			looked()
#endif
		   }
		fi;

		/* Answers: one statement, on its own token. A request that finds another's there says no more than "wait". */
		if
		:: goto done /* crash */
		:: d_step { /* right */
			if
			:: OWN ->
				told();
#if REACH == 1
				assert(false);
#elif REACH == 2
				assert(tries < TRIES);
#endif
#if MISTAKE != 13
				tries = 0;
#endif
				release();
				begin()
			:: else
			fi
		   }
#if MISTAKE == 13
		   ;
		   if
		   :: skip
		   :: goto done /* crash */
		   fi;
		   d_step { tries = 0 } /* in a statement of its own */
#endif
		:: d_step { /* wrong */
			!fifth ->
			if
#if MISTAKE == 7
			:: live ->
#else
			:: live && comparing == TOKEN ->
#endif
				told();
				release();
				turn[me] = idle;
				lost()
#if MISTAKE == 10
			:: live && comparing != TOKEN -> told()
#endif
			:: else
			fi
		   }
		:: d_step { /* wrong for the fifth time */
			fifth ->
			if
#if MISTAKE == 14
			:: live ->
#else
			:: live && comparing == TOKEN && tries >= TRIES ->
#endif
				told();
				lost();
				live = false;
				release();
				removed()
			:: else
			fi
		   }
		fi;
		goto done;

uncounted:
		/* Not counted. Where five are counted and none is in work, the device goes: one statement. */
		atomic { d_step {
			if
#if MISTAKE == 8
			:: live && tries >= TRIES ->
#elif MISTAKE == 15
			:: false ->
#else
			:: live && tries >= TRIES && (comparing == 0 || lapsed) ->
#endif
#if REACH == 3
				assert(false);
#endif
				if
				:: comparing != 0 && lapsed -> lost()
				:: else
				fi;
				live = false;
				release();
				removed()
			:: else
			fi;
			/* A device with which nobody can ever sign in is not kept. */
			assert(!live || tries < TRIES || comparing != 0 && !lapsed)
		} };

done:
		atomic { d_step {
#if MISTAKE == 4
			mutex[me % 2] = false;
#elif MISTAKE == 3
			read = 0;
#endif
			turn[me] = idle;
			fifth = false;
			refused = false;
			i = 0
		} }
	od
}

/* Time passes; the owner removes the device in one of two tabs, signs in again and chooses a PIN. */
proctype World() {
	byte i;
	do
	:: d_step {
		comparing != 0 && !lapsed ->
		lapsed = true;
		i = 0;
		do
		:: i < REQUESTS ->
			if
			:: turn[i] == inTime -> turn[i] = slow
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	   }
	:: d_step { /* taken away in settings or by staff: one statement */
		live ->
		live = false;
#if MISTAKE != 11
		release();
#endif
		begin()
	   }
	:: d_step { /* PUT /app/pin, of this device or of the one that was made anew: one statement */
		live = true;
		tries = 0;
#if MISTAKE != 16
		release();
#endif
		begin()
	   }
	od
}

init {
	byte i;
	atomic {
		do
		:: i < REQUESTS -> run Request(i); i++
		:: else -> break
		od;
		i = 0;
		run World()
	}
}
