from .aiosmtpd import Aiosmtpd
from .dovecot import PASSWORD, USER, Dovecot
from .exim import Exim
from .opensmtpd import OpenSMTPD
from .postfix import Postfix
from .server import BUILD, REFUSED

__all__ = ["Aiosmtpd", "BUILD", "Dovecot", "Exim", "OpenSMTPD", "PASSWORD", "Postfix", "REFUSED", "USER"]
