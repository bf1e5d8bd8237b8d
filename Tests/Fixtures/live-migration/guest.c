// What runs inside a container that is moved while it runs, and the client that watches it from outside. One static
// program without any needs, built by the tests and by bench/live-migration:
//
//   guest echo PORT                           answers each line "N" with "N COUNT", COUNT being the lines of that connection
//   guest clock STATUS                        looks at the clock every millisecond
//   guest heap STATUS MEBIBYTES RATE          has that much heap, changes RATE MiB of it a second and checks what it wrote
//   guest client ADDRESS PORT STATUS [MS]     sends numbered lines over one connection, every MS (5) milliseconds
//
// STATUS is a file with one line of NAME=VALUE pairs, rewritten ten times a second. gap_us in it is the longest time between two
// looks at the wall clock or, for the client, between two answers. SIGUSR1 sets it back to nought.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 64, LINE = 128, PAGE = 4096, WORDS = PAGE / 8 };

static volatile sig_atomic_t reset_wanted;
static int status_file = -1;
static char status_path[400];

static void on_usr1(int number) {
    (void)number;
    reset_wanted = 1;
}

static int64_t now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time); // The monotonic clock stands still while a process is in images.
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void open_status(const char *path) {
    snprintf(status_path, sizeof status_path, "%s", path);
    status_file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (status_file < 0) fail(path);
    struct sigaction action = {.sa_handler = on_usr1};
    sigaction(SIGUSR1, &action, NULL);
}

// One write of a fixed length: a reader sees the old line or the new one.
static void write_status(const char *text) {
    char line[256];
    memset(line, ' ', sizeof line);
    size_t length = strlen(text);
    memcpy(line, text, length < sizeof line - 1 ? length : sizeof line - 1);
    line[sizeof line - 1] = '\n';
    if (pwrite(status_file, line, sizeof line, 0) != sizeof line) fail(status_path);
}

struct gap {
    int64_t last, longest, at;
};

static void note(struct gap *gap, int64_t now) {
    if (reset_wanted) {
        reset_wanted = 0;
        gap->longest = 0;
    }
    if (gap->last != 0 && now - gap->last > gap->longest) {
        gap->longest = now - gap->last;
        gap->at = gap->last;
    }
    gap->last = now;
}

// Every page: its number, how often it was changed, and a word made of both at a place that moves.
static uint64_t mixed(uint64_t page, uint64_t round) {
    uint64_t x = page * 0x9e3779b97f4a7c15u + round;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return x ^ (x >> 32);
}

static void fill(uint64_t *page, uint64_t number, uint64_t round) {
    page[0] = number;
    page[1] = round;
    page[2 + round % (WORDS - 2)] = mixed(number, round);
}

static int is_whole(const uint64_t *page, uint64_t number) {
    return page[0] == number && page[2 + page[1] % (WORDS - 2)] == mixed(number, page[1]);
}

static _Noreturn void work(const char *path, size_t mebibytes, double rate) {
    size_t pages = mebibytes * 256, current = 0;
    uint64_t *heap = NULL;
    if (pages > 0) {
        heap = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (heap == MAP_FAILED) fail("mmap");
        uint64_t x = 88172645463325252u; // Memory that does not compress and has no two equal pages.
        for (size_t word = 0; word < pages * WORDS; word++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            heap[word] = x;
        }
        for (size_t page = 0; page < pages; page++) fill(heap + page * WORDS, page, 0);
    }
    open_status(path);
    struct gap gap = {0};
    int64_t written = 0, changed_at = now_us();
    double owed = 0;
    uint64_t count = 0, changed = 0, bad = 0, rounds = 0;
    for (;;) {
        int64_t now = now_us();
        note(&gap, now);
        count++;
        if (pages > 0) {
            double passed = (now - changed_at) / 1e6;
            changed_at = now;
            owed += (passed < 0.02 ? passed : 0.02) * rate * 256; // What was missed while it stood still stays missed.
            for (; owed >= 1; owed--) {
                uint64_t *page = heap + current * WORDS;
                if (!is_whole(page, current)) bad++;
                fill(page, current, page[1] + 1);
                changed++;
                if (++current == pages) current = 0, rounds++;
            }
        }
        if (now - written > 100000) {
            char text[256];
            snprintf(text, sizeof text, "pid=%d count=%lu gap_us=%ld gap_at=%ld changed=%lu rounds=%lu bad=%lu", getpid(),
                count, gap.longest, gap.at, changed, rounds, bad);
            write_status(text);
            written = now;
        }
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
}

struct line {
    int socket;
    size_t length;
    uint64_t count;
    char text[LINE];
};

static void send_all(int socket, const char *text, size_t length) {
    while (length > 0) {
        ssize_t sent = send(socket, text, length, MSG_NOSIGNAL);
        if (sent <= 0 && errno != EINTR) return;
        if (sent > 0) text += sent, length -= (size_t)sent;
    }
}

static _Noreturn void echo(int port) {
    static struct line lines[CONNECTIONS];
    int connections = 0, one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (bind(listener, (struct sockaddr *)&name, sizeof name) != 0 || listen(listener, 16) != 0) fail("listen");
    for (;;) {
        struct pollfd waiting[CONNECTIONS + 1] = {{.fd = listener, .events = POLLIN}};
        for (int i = 0; i < connections; i++) waiting[i + 1] = (struct pollfd){.fd = lines[i].socket, .events = POLLIN};
        if (poll(waiting, (nfds_t)connections + 1, -1) < 0) continue;
        for (int i = connections - 1; i >= 0; i--) {
            if (waiting[i + 1].revents == 0) continue;
            struct line *line = &lines[i];
            char bytes[4096];
            ssize_t count = recv(line->socket, bytes, sizeof bytes, MSG_DONTWAIT);
            if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
            if (count <= 0) {
                close(line->socket);
                *line = lines[--connections];
                continue;
            }
            for (ssize_t j = 0; j < count; j++) {
                if (bytes[j] != '\n') {
                    if (line->length < LINE - 1) line->text[line->length++] = bytes[j];
                    continue;
                }
                char answer[LINE + 32];
                line->text[line->length] = 0;
                int length = snprintf(answer, sizeof answer, "%s %lu\n", line->text, ++line->count);
                line->length = 0;
                send_all(line->socket, answer, (size_t)length);
            }
        }
        if (waiting[0].revents & POLLIN) {
            int socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (socket < 0) continue;
            if (connections == CONNECTIONS) {
                close(socket);
                continue;
            }
            setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            lines[connections++] = (struct line){.socket = socket};
        }
    }
}

static int client(const char *address, int port, const char *path, int interval_ms) {
    int one = 1, link = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, address, &name.sin_addr) != 1) fail(address);
    if (connect(link, (struct sockaddr *)&name, sizeof name) != 0) fail("connect");
    setsockopt(link, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    open_status(path);
    struct gap gap = {0};
    struct line line = {.socket = link};
    uint64_t sent = 0, received = 0, bad = 0;
    int64_t written = 0, next = now_us();
    const char *state = "connected";
    while (strcmp(state, "connected") == 0) {
        int64_t now = now_us();
        if (now >= next && sent - received < 100000) {
            char text[LINE];
            int length = snprintf(text, sizeof text, "%lu\n", sent + 1);
            ssize_t count = send(link, text, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count == length) sent++;
            else if (count > 0) state = "part"; // The buffer of a socket takes more lines than there will ever be in flight.
            else if (errno != EAGAIN && errno != EINTR) state = strerrorname_np(errno);
            next = now - next > 1000000 ? now : next + interval_ms * 1000;
        }
        struct pollfd waiting = {.fd = link, .events = POLLIN};
        struct timespec pause = {0, (next > now ? next - now : 0) % 1000000 * 1000};
        ppoll(&waiting, 1, &pause, NULL);
        char bytes[4096];
        ssize_t count = recv(link, bytes, sizeof bytes, MSG_DONTWAIT);
        now = now_us();
        if (count == 0) state = "closed";
        if (count < 0 && errno != EAGAIN && errno != EINTR) state = strerrorname_np(errno);
        for (ssize_t i = 0; i < count; i++) {
            if (bytes[i] != '\n') {
                if (line.length < LINE - 1) line.text[line.length++] = bytes[i];
                continue;
            }
            line.text[line.length] = 0;
            line.length = 0;
            unsigned long number = 0, counted = 0;
            received++;
            if (sscanf(line.text, "%lu %lu", &number, &counted) != 2 || number != received || counted != received) bad++;
            note(&gap, now);
        }
        // What has not been answered yet is a gap already.
        int64_t open_gap = gap.last != 0 && sent > received ? now - gap.last : 0;
        if (now - written > 100000 || strcmp(state, "connected") != 0) {
            char text[256];
            snprintf(text, sizeof text, "pid=%d state=%s sent=%lu received=%lu bad=%lu gap_us=%ld", getpid(), state, sent,
                received, bad, open_gap > gap.longest ? open_gap : gap.longest);
            write_status(text);
            written = now;
        }
    }
    return 1;
}

int main(int count, char **arguments) {
    signal(SIGPIPE, SIG_IGN);
    const char *role = count > 1 ? arguments[1] : "";
    if (strcmp(role, "echo") == 0 && count == 3) echo(atoi(arguments[2]));
    if (strcmp(role, "clock") == 0 && count == 3) work(arguments[2], 0, 0);
    if (strcmp(role, "heap") == 0 && count == 5) work(arguments[2], strtoul(arguments[3], NULL, 10), atof(arguments[4]));
    if (strcmp(role, "client") == 0 && (count == 5 || count == 6))
        return client(arguments[2], atoi(arguments[3]), arguments[4], count == 6 ? atoi(arguments[5]) : 5);
    fprintf(stderr, "usage: guest echo PORT | clock STATUS | heap STATUS MEBIBYTES RATE | client ADDRESS PORT STATUS [MS]\n");
    return 2;
}
