package password

import "syscall"

// politeness is the nice value of a thread that hashes, above that of the process. 5 is a quarter of the processor
// beside one other thread that wants all of it: others find it free when they need it, and a collection, for which
// every thread has to stop, does not wait long for one that a busy neighbour of the machine keeps from running (at 19
// it would be a seventieth).
const politeness = 5

// lowerPriority lets the system run this thread after others. Without it a refresh waits for the 3 ms that the system
// lets a hash run once it does: its median in a storm of logins was 3.7 ms, and 1.2 with it.
func lowerPriority() {
	self := syscall.Gettid() // on Linux a thread has a priority of its own
	now, err := syscall.Getpriority(syscall.PRIO_PROCESS, self)
	if err == nil {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, self, min(20-now+politeness, 19)) // Linux says 20 minus the value; hashes run as well without
	}
}
