package example;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.client.oidc.web.logout.OidcClientInitiatedLogoutSuccessHandler;
import org.springframework.security.oauth2.client.registration.ClientRegistrationRepository;
import org.springframework.security.oauth2.client.web.DefaultOAuth2AuthorizationRequestResolver;
import org.springframework.security.oauth2.client.web.OAuth2AuthorizationRequestCustomizers;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** A site with one page for people who signed in, /diary, and one for everybody, /open. */
@SpringBootConfiguration
@EnableAutoConfiguration
@RestController
public class Diary {
  public static void main(String[] args) {
    SpringApplication.run(Diary.class, args);
  }

  @Bean
  SecurityFilterChain security(HttpSecurity http, ClientRegistrationRepository parties) throws Exception {
    var requests = new DefaultOAuth2AuthorizationRequestResolver(parties, "/oauth2/authorization");
    requests.setAuthorizationRequestCustomizer(OAuth2AuthorizationRequestCustomizers.withPkce());
    var signOutThereToo = new OidcClientInitiatedLogoutSuccessHandler(parties);
    signOutThereToo.setPostLogoutRedirectUri("{baseUrl}/open");
    return http
        .authorizeHttpRequests(r -> r.requestMatchers("/open").permitAll().anyRequest().authenticated())
        .oauth2Login(login -> login.authorizationEndpoint(e -> e.authorizationRequestResolver(requests)))
        .oidcLogout(logout -> logout.backChannel(Customizer.withDefaults()))
        .logout(logout -> logout.logoutSuccessHandler(signOutThereToo))
        .build();
  }

  @GetMapping("/diary")
  Map<String, Object> diary(@AuthenticationPrincipal OidcUser person) {
    return person.getClaims();
  }

  @GetMapping("/open")
  String open() {
    return "/open";
  }
}
