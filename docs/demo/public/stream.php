<?php

declare(strict_types=1);

namespace Demo;

require __DIR__ . '/../src/page.php';

if (isset($_GET['events'])) {
    header('Content-Type: text/event-stream');
    header('Cache-Control: no-store');
    while (ob_get_level() > 0) {
        ob_end_flush();
    }
    for ($i = 1; $i <= 20 && !connection_aborted(); $i++) {
        printf("id: %d\ndata: event %d at %s from worker %d\n\n", $i, $i, date('H:i:s'), getmypid());
        flush();
        usleep(500_000);
    }
    print "event: end\ndata: -\n\n";
    return;
}

page('Stream', function () {
    ?>
<p>Twenty events, one every half a second, each shown when it comes.</p>
<ol id="events"></ol>
<script>
const events = new EventSource('?events');
events.onmessage = event => {
    const item = document.createElement('li');
    item.textContent = event.data;
    document.getElementById('events').append(item);
};
events.addEventListener('end', () => events.close());
</script>
<?php
});
