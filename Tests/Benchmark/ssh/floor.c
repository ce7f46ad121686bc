/* floor USER IDENTITY KNOWN_HOSTS HOSTS CHECK [CHANGE PAYLOAD]: the least that a client of this kind can cost.
 *
 * One thread, libssh2, no state, no plan. On each address in the file HOSTS it runs CHECK over one connection; where that
 * prints "todo", it runs CHANGE with the file PAYLOAD as its input. Prints a line for each host; exits with 1 when one failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1024 };
enum step { CONNECT, HANDSHAKE, LOGIN, OPEN, START, FEED, EOF_SENT, DRAIN, CLOSE, FREE, DONE };

struct host {
    char address[64], output[4096];
    int socket, command, length;
    enum step step;
    size_t sent;
    const char *failure;
    LIBSSH2_SESSION *session;
    LIBSSH2_CHANNEL *channel;
};

static struct host hosts[MOST];
static const char *user, *identity, *known, *commands[2];
static const char *payload;
static size_t size;

static void fail(struct host *host, const char *what) {
    host->failure = what;
    host->step = DONE;
}

static int trusted(struct host *host) {
    size_t length;
    int type;
    const char *key = libssh2_session_hostkey(host->session, &length, &type);
    LIBSSH2_KNOWNHOSTS *hosts = libssh2_knownhost_init(host->session);
    libssh2_knownhost_readfile(hosts, known, LIBSSH2_KNOWNHOST_FILE_OPENSSH);
    int found = libssh2_knownhost_check(hosts, host->address, key, length,
                                        LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW, NULL);
    libssh2_knownhost_free(hosts);
    return found == LIBSSH2_KNOWNHOST_CHECK_MATCH;
}

/* Goes as far as it can without waiting; 1 when the host has come to its end. */
static int advance(struct host *host) {
    int code;
    for (;;) switch (host->step) {
        case CONNECT: {
            socklen_t length = sizeof code;
            getsockopt(host->socket, SOL_SOCKET, SO_ERROR, &code, &length);
            if (code) { fail(host, strerror(code)); break; }
            host->session = libssh2_session_init();
            libssh2_session_set_blocking(host->session, 0);
            libssh2_session_method_pref(host->session, LIBSSH2_METHOD_HOSTKEY, "ssh-ed25519");
            host->step = HANDSHAKE;
            break;
        }
        case HANDSHAKE:
            if ((code = libssh2_session_handshake(host->session, host->socket)) == LIBSSH2_ERROR_EAGAIN) return 0;
            if (code) { fail(host, "handshake"); break; }
            if (!trusted(host)) { fail(host, "unknown host key"); break; }
            host->step = LOGIN;
            break;
        case LOGIN:
            code = libssh2_userauth_publickey_fromfile_ex(host->session, user, strlen(user), NULL, identity, NULL);
            if (code == LIBSSH2_ERROR_EAGAIN) return 0;
            if (code) { fail(host, "login"); break; }
            host->step = OPEN;
            break;
        case OPEN:
            host->channel = libssh2_channel_open_session(host->session);
            if (!host->channel) {
                if (libssh2_session_last_errno(host->session) == LIBSSH2_ERROR_EAGAIN) return 0;
                fail(host, "channel");
                break;
            }
            host->step = START;
            break;
        case START:
            if ((code = libssh2_channel_exec(host->channel, commands[host->command])) == LIBSSH2_ERROR_EAGAIN) return 0;
            if (code) { fail(host, "exec"); break; }
            host->step = host->command ? FEED : EOF_SENT;
            break;
        case FEED: {
            if (host->sent == size) {
                host->step = EOF_SENT;
                break;
            }
            ssize_t count = libssh2_channel_write(host->channel, payload + host->sent, size - host->sent);
            if (count == LIBSSH2_ERROR_EAGAIN) return 0;
            if (count < 0) { fail(host, "write"); break; }
            host->sent += count;
            break;
        }
        case EOF_SENT:
            if (libssh2_channel_send_eof(host->channel) == LIBSSH2_ERROR_EAGAIN) return 0;
            host->length = 0;
            host->step = DRAIN;
            break;
        case DRAIN: {
            char rest[1024];
            ssize_t count = libssh2_channel_read(host->channel, rest, sizeof rest);
            if (count == LIBSSH2_ERROR_EAGAIN) return 0;
            if (count < 0) { fail(host, "read"); break; }
            if (count == 0) {
                host->step = CLOSE;
                break;
            }
            if (count > (ssize_t)sizeof host->output - 1 - host->length) count = sizeof host->output - 1 - host->length;
            memcpy(host->output + host->length, rest, count);
            host->length += count;
            break;
        }
        case CLOSE:
            if (libssh2_channel_close(host->channel) == LIBSSH2_ERROR_EAGAIN) return 0;
            if (libssh2_channel_wait_closed(host->channel) == LIBSSH2_ERROR_EAGAIN) return 0;
            host->step = FREE;
            break;
        case FREE:
            code = libssh2_channel_get_exit_status(host->channel);
            if (libssh2_channel_free(host->channel) == LIBSSH2_ERROR_EAGAIN) return 0;
            if (code) { fail(host, "the command failed"); break; }
            if (host->command == 0 && commands[1] && !strncmp(host->output, "todo", 4)) {
                host->command = 1;
                host->step = OPEN;
                break;
            }
            host->step = DONE;
            break;
        case DONE:
            if (host->session) {
                libssh2_session_disconnect(host->session, "done");
                libssh2_session_free(host->session);
            }
            close(host->socket);
            return 1;
        }
}

static void begin(struct host *host) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(22)};
    inet_pton(AF_INET, host->address, &to.sin_addr);
    host->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int yes = 1;
    setsockopt(host->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connect(host->socket, (struct sockaddr *)&to, sizeof to);
}

int main(int count, char **words) {
    if (count != 6 && count != 8) return fputs("usage: floor USER IDENTITY KNOWN_HOSTS HOSTS CHECK [CHANGE PAYLOAD]\n", stderr), 2;
    user = words[1], identity = words[2], known = words[3], commands[0] = words[5];
    if (count == 8) {
        commands[1] = words[6];
        int file = open(words[7], O_RDONLY);
        struct stat facts;
        if (file < 0 || fstat(file, &facts)) return perror(words[7]), 2;
        size = facts.st_size;
        payload = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    FILE *list = fopen(words[4], "r");
    if (!list) return perror(words[4]), 2;
    int all = 0, left, failed = 0;
    while (all < MOST && fscanf(list, "%63s", hosts[all].address) == 1) all++;
    libssh2_init(0);
    for (int i = 0; i < all; i++) begin(&hosts[i]);
    for (left = all; left;) {
        struct pollfd files[MOST];
        int open = 0;
        for (int i = 0; i < all; i++) {
            struct host *host = &hosts[i];
            if (host->socket < 0) continue;
            int wants = host->session ? libssh2_session_block_directions(host->session) : LIBSSH2_SESSION_BLOCK_OUTBOUND;
            int yes = 1;
            setsockopt(host->socket, IPPROTO_TCP, TCP_QUICKACK, &yes, sizeof yes);
            files[open++] = (struct pollfd){
                .fd = host->socket,
                .events = (wants & LIBSSH2_SESSION_BLOCK_INBOUND ? POLLIN : 0) | (wants & LIBSSH2_SESSION_BLOCK_OUTBOUND ? POLLOUT : 0)};
        }
        poll(files, open, 60000);
        for (int i = 0, at = 0; i < all; i++) {
            struct host *host = &hosts[i];
            if (host->socket < 0) continue;
            if (!files[at++].revents) continue;
            if (!advance(host)) continue;
            failed += host->failure != NULL;
            printf("%s %s\n", host->address, host->failure ? host->failure : "ok");
            host->socket = -1;
            left--;
        }
    }
    return failed > 0;
}
