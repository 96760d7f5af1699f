/** What `sluice simulate --help` prints; a test compares it with the options. */
export const HELP = `sluice simulate: run simulated devices that publish over MQTT 3.1.1

Usage: sluice simulate [options]

Broker
  --mqtt URL           over TCP, mqtt://HOST:PORT (default mqtt://localhost:1883 when --ws is not given), mqtts:// with TLS; several with
                       commas are nodes of one cluster: connections are spread, and a lost one goes on to the next
  --ws URL             over WebSocket, for RabbitMQ ws://HOST:15675/ws, wss:// with TLS; likewise
  --ws-share SHARE     share of the connections on WebSocket when both are given, 0 to 1 (default 0.5)
  --username NAME      MQTT user; the password comes from the file or from SLUICE_DEVICE_PASSWORD
  --password-file F    file that holds the password
  --ca FILE            with mqtts:// and wss://: certificate (PEM) of the authority that signed the broker's
                       (default: those that Node.js trusts)
  --cert FILE          the devices' own certificate, where the broker asks for one
  --key FILE           and its private key
  --clean              no persistent sessions (with --format sparkplug there never are)
  --keepalive S        seconds (default 15)

Format
  --format NAME        tasmota, shelly-gen1, shelly-gen2, zigbee2mqtt, ttn-v3, chirpstack-v4, senml, line-protocol,
                       owntracks or sparkplug (default: the native format). Topics are those of the dialect, outside of
                       devices/SITE/: the account needs the right to publish there, and with sparkplug to subscribe to
                       spBv1.0/SITE/NCMD/. One sample may be several messages, each a turn of its own. With sparkplug each
                       connection is an edge node, and the devices that share it (--connections) are behind it. Marks
                       (--audit) and --csv are for the native format only

Devices
  --site NAME          second level of the native topics (default: the user name, else demo)
  --prefix TEXT        put before each device name; needed when two simulators share a site
  --devices N          how many (default 10; 0 with --csv)
  --profiles A,B       thermostat, power-meter, gps-tracker, vibration-sensor, alarm-button (default: all that
                       the format has, in turn)
  --fault-share SHARE  share of the devices with a faulty sensor, 0 to 1 (default 0.05)
  --seed N             same seed and --start-time: same messages (default 1)
  --start-time T       device time of the first message, ISO 8601 or milliseconds (default now)
  --first-seq N        first sequence number of each topic (default 1)
  --audit              put sequence number and checksum into the values (native format only)

Load
  --rate R             messages per second of all devices together
  --interval MS        or: milliseconds between two messages of one device (default 1000)
  --qos 0|1|mix        mix: half of the devices each, with sparkplug of the edge nodes (default 1, with sparkplug 0)
  --connections N      spread the devices over N connections (default: one each, up to 1000)
  --connect-rate R     new connections per second at the start (default 200)
  --window N           messages without PUBACK per connection, 1 to 60000 (default 100)
  --seconds S          stop after S seconds of publishing (default: until interrupted)
  --messages N         stop after N messages
  --stop-seconds S     how long to wait for the last PUBACKs (default 10)

Replay of a recorded series, as one more device
  --csv FILE           with a header line
  --time-column NAME   or NAME,NAME for date and time of day
  --columns A,B        which columns become values (default: all others)
  --speed X            times faster than recorded (default 1)
  --delimiter C        default ,
  --decimal C          . or , (default .)
  --date-order ORDER   mdy or dmy, for dates like 3/10/2004

Output
  --ledger FILE        a line for each message attempted and each PUBACK; the file must not exist
  --json               statistics as JSON on standard output, one line; no progress lines on standard error

Messages are due at planned times, whatever the broker does. Where a connection is lost or its window is full, they
wait, keep their planned device time, and go out late; none is skipped. The statistics say how late.

Exit codes: 0 all QoS 1 messages acknowledged, 2 wrong command line, 4 broker not there or credentials refused,
5 stopped with messages of unknown fate, 1 anything else.
`;
