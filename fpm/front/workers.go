package front

import (
	"context"
	"errors"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

// takeWorkers makes what a front needs if workers speak HTTP.
func (f *Front) takeWorkers(orders *contract.Front, given *resources) (err error) {
	if given.fromWorkers != nil {
		if f.handed, err = newHanded(f, given.fromWorkers); err != nil {
			return err
		}
	}
	if orders.Direct == "" {
		return nil
	}
	p := f.pools[orders.Direct]
	if p == nil || given.toWorkers == nil || given.untaken == nil {
		return errors.New("workers are to accept, and there is no way to them")
	}
	if f.overflow, err = newOverflow(given.reserves, p); err != nil {
		return err
	}
	busy := func() bool { return f.overflow.opened.Load() || p.Demand().Waiting > 0 }
	f.waker = newWaker(f, given.toWorkers, given.untaken, p.Connections, busy)
	f.connections.lot.wake = f.waker.wake
	return nil
}

// serveWorkers has workers that speak HTTP hand over connections.
func (f *Front) serveWorkers() {
	if f.handed != nil {
		f.handing.Go(func() { f.server.Serve(f.handed) })
		go f.handed.read()
	}
	if f.overflow != nil {
		go f.overflow.watch()
	}
	if f.waker != nil {
		f.waker.begin()
	}
}

// leaveWorkers accepts no more in place of workers, and gives them no connections. returned takes those that no worker has taken.
func (f *Front) leaveWorkers(returned func(*conn)) {
	if f.overflow != nil {
		f.overflow.close()
	}
	if f.waker != nil {
		f.waker.stop(returned)
	}
}

// leaveHanded takes no more of what workers hand over: it is another front's.
func (f *Front) leaveHanded() {
	if f.handed != nil {
		f.handed.Close()
		<-f.handed.done
		f.handing.Wait()
	}
}

// finishHanded takes what the workers hand over until they say that this was all, and waits for the responses that they have begun.
func (f *Front) finishHanded(ctx context.Context) {
	if f.handed == nil {
		return
	}
	select {
	case <-f.handed.over:
	case <-f.handed.done: // another front has that
	case <-ctx.Done():
	}
	f.leaveHanded()
	waitWhile(ctx, endless, func() bool { return f.outputs.Load() > 0 })
	waitWhile(ctx, freshGrace, func() bool { return f.connections.fresh() > 0 })
}

// workersAccept reports whether the connections of a listener are the workers' to accept.
func workersAccept(orders *contract.Front, listener int) bool {
	return orders.Direct != "" && listener < len(orders.Listeners) && !orders.Listeners[listener].TLS
}
