<?php

declare(strict_types=1);

namespace Demo;

require __DIR__ . '/../src/page.php';

$seconds = max(0, min(25, (int) (field($_GET, 'seconds') ?: 3)));
sleep($seconds);
page('Slow', function () use ($seconds) {
    ?>
<p>PHP slept for <?= $seconds ?> seconds. Other pages were answered meanwhile, by other workers.</p>
<form><label>Seconds <input name="seconds" type="number" min="0" max="25" value="<?= $seconds ?>"></label> <button>Again</button></form>
<?php
});
