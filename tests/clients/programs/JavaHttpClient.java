import java.net.CookieManager;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.regex.Pattern;

/**
 * java.net.http.HttpClient with its CookieManager: JavaHttpClient.java SCENARIO URL. Prints what it
 * sees, one JSON object a line.
 */
class JavaHttpClient {
    static final Pattern TOKEN = Pattern.compile("name=\"token\" value=\"([^\"]*)\"");

    final String url;
    final HttpClient client = HttpClient.newBuilder()
            .cookieHandler(new CookieManager())
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();

    JavaHttpClient(String url) {
        this.url = url;
    }

    public static void main(String[] args) throws Exception {
        var program = new JavaHttpClient(args[1]);
        switch (args[0]) {
            case "visits" -> program.visits();
            case "session" -> program.session();
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    void visits() throws Exception {
        for (int n = 0; n < 3; n++) {
            visit();
        }
    }

    void session() throws Exception {
        visit();
        visit();
        signIn();
        visit();

        waitFor(16); // the key is renewed
        visit();
        visit();
        waitFor(2); // the old key retires
        visit();
        waitFor(2);
        report("keys", send(get("/keys")));

        waitFor(16); // renewed again, in two requests at once
        var both = List.of(
                client.sendAsync(get("/together"), BodyHandlers.ofString()),
                client.sendAsync(get("/together"), BodyHandlers.ofString()));
        for (var answer : both) {
            report("together", answer.get());
        }
        visit();

        report("sign out", send(post("/logout", "")));
        signIn();
        waitFor(31); // the session expires
        report("come back", send(get("/")));
    }

    void visit() throws Exception {
        report("visit", send(get("/visit")));
    }

    void signIn() throws Exception {
        var form = TOKEN.matcher(send(get("/login")).body());
        if (!form.find()) {
            throw new IllegalStateException("the form has no token");
        }
        var token = URLEncoder.encode(form.group(1), StandardCharsets.UTF_8);
        report("sign in", send(post("/login", "name=alice&token=" + token)));
    }

    void waitFor(int minutes) throws Exception {
        send(post("/clock", "minutes=" + minutes));
    }

    void report(String step, HttpResponse<String> answer) {
        System.out.printf(
                "{\"step\":\"%s\",\"status\":%d,\"saw\":%s}%n",
                step, answer.statusCode(), answer.body());
    }

    HttpResponse<String> send(HttpRequest request) throws Exception {
        return client.send(request, BodyHandlers.ofString());
    }

    HttpRequest get(String path) {
        return HttpRequest.newBuilder(URI.create(url + path)).build();
    }

    HttpRequest post(String path, String form) {
        return HttpRequest.newBuilder(URI.create(url + path))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString(form))
                .build();
    }
}
