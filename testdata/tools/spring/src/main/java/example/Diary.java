package example;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/**
 * A site with one page for people who signed in, /diary, one for everybody, /open, and an API, /api/journal. The other
 * classes of its package are blocks of docs/clients.md.
 */
@SpringBootApplication
@RestController
public class Diary {
  public static void main(String[] args) {
    SpringApplication.run(Diary.class, args);
  }

  @GetMapping("/diary")
  Map<String, Object> diary(@AuthenticationPrincipal OidcUser person) {
    return person.getClaims();
  }

  @GetMapping("/open")
  String open() {
    return "/open";
  }

  @GetMapping("/api/journal")
  Map<String, Object> journal(@AuthenticationPrincipal Jwt token) {
    return token.getClaims();
  }
}
