"""ModemManager with one modem, for python-dbusmock (python3 -m dbusmock --template FILE): what it is told stands in its
log."""

import dbus
import dbusmock

BUS_NAME = "org.freedesktop.ModemManager1"
MAIN_OBJ = "/org/freedesktop/ModemManager1"
MAIN_IFACE = "org.freedesktop.ModemManager1"
SYSTEM_BUS = False
IS_OBJECT_MANAGER = True

MODEM = "/org/freedesktop/ModemManager1/Modem/0"
SMS = "/org/freedesktop/ModemManager1/SMS/0"


def load(mock, parameters):
    properties = {
        "State": dbus.Int32(8),
        "Model": "Dummy",
        "EquipmentIdentifier": "490154203237518",
        "OwnNumbers": dbus.Array(["+4915100000000"], signature="s"),
    }
    mock.AddObject(MODEM, "org.freedesktop.ModemManager1.Modem", properties, [])
    modem = dbusmock.get_object(MODEM)
    messaging = "org.freedesktop.ModemManager1.Modem.Messaging"
    modem.AddProperties(messaging, {"Messages": dbus.Array([], signature="o")})
    modem.AddMethod(messaging, "Create", "a{sv}", "o", f"ret = dbus.ObjectPath({SMS!r})")
    modem.AddMethod(messaging, "Delete", "o", "", "")
    mock.AddObject(SMS, "org.freedesktop.ModemManager1.Sms", {"State": dbus.UInt32(0)}, [("Send", "", "", "")])
