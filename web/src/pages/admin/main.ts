import { createAdminPage } from 'vue'
import '../../kit/base.css'
import AdminPage from './AdminPage.vue'

createAdminPage(App).mount('#app')
