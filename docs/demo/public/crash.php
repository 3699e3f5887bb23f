<?php

declare(strict_types=1);

namespace Demo;

require __DIR__ . '/../src/page.php';

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    posix_kill(getmypid(), 11); // SIGSEGV; the constant is ext/pcntl's
    sleep(1);
}
page('Crash', function () {
    ?>
<p>The button has PHP send SIGSEGV to its own process. This one request gets a 502, the log says what happened, a new
worker takes the place of the old one, and no other request notices.</p>
<form method="post"><button>Crash worker <?= getmypid() ?></button></form>
<?php
});
