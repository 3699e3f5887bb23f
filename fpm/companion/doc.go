// Package companion executes the processes that serve beside a master's workers, and looks after them: the front, which
// speaks HTTP, and the observer, which serves metrics and the dashboard. Both are this program again, without PHP, and as a
// user that has nothing of the master's.
//
//	k := &companion.Keeper{Execute: func(c companion.Command) (int, error) { return companion.Execute(c) }, Kill: syscall.Kill, ...}
//	f, err := k.StartFront(orders, files, who, &slots, now)
//	for _, f := range due { switch k.Look(f, now, true, true) { case companion.Asked: f.Ask(supplies) ... } }
//	how := k.Bury(f, status, now, false)
//
// A Front and an Observer are processes with a control socket each. What they need is found out here, too: their users and
// what those may reach (User), the certificates (Certificates), the scoreboard of a front (Slots). A Renewal is when another
// takes the place of one that has died.
//
// Calls go down only: the package knows of no master. It returns what it has seen (a Sign, or how a process has ended), and the master, which
// knows whether the service reloads or ends, decides. All values belong to the master's loop. Nothing here waits for a process, or
// reads a control socket: the loop tells of messages, of ends and of the time.
package companion
