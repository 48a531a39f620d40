"""Prosody and ejabberd as in servers.py, but quick to give up: another server after GIVE_UP seconds, a session that was
cut off (XEP-0198) after `resume` seconds.
"""

from servers import Ejabberd, Prosody

GIVE_UP = 2


class QuickProsody(Prosody):
    def __init__(self, scene, *, resume=2, **options):
        self.resume = resume
        super().__init__(scene, **options)

    def _config(self):
        return f"s2s_timeout = {GIVE_UP}\nsmacks_hibernation_time = {self.resume}\n" + super()._config()


class QuickEjabberd(Ejabberd):
    def __init__(self, scene, *, resume=2, **options):
        self.resume = resume
        super().__init__(scene, **options)

    def _config(self):
        text = super()._config()
        assert text.count("  mod_stream_mgmt:\n") == 1
        text = text.replace("  mod_stream_mgmt:\n", f"  mod_stream_mgmt:\n    resume_timeout: {self.resume}\n")
        return f"negotiation_timeout: {GIVE_UP}\ns2s_max_retry_delay: 1\n" + text
